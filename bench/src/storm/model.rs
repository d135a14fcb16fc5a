//! The storm counted through, second by second. Orders are so many that they are counted as a
//! flow; nothing here depends on chance.

/// The marketplace sends again after so many seconds …
const EVERY: usize = 120;
/// … and refunds the buyer after so many.
const PATIENCE: u32 = 7200;
/// The longest time after the outage that is looked at.
const HORIZON: u32 = 12 * 3600;

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    pub(crate) orders_a_second: f64,
    /// How long nobody answers.
    pub(crate) seconds: u32,
    /// New instances a second.
    pub(crate) capacity: f64,
    /// Orders that the server itself can read a second.
    pub(crate) reads_a_second: f64,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Storm {
    /// Orders without an answer when the outage ends.
    pub(crate) waiting: f64,
    /// Orders that were refunded.
    pub(crate) lost: f64,
    /// Orders that were placed until all that waited had been answered.
    pub(crate) placed: f64,
    /// The most calls in one second after the outage.
    pub(crate) worst: f64,
    /// Seconds after the outage until nobody waits for an answer any more.
    pub(crate) answered_after: Option<u32>,
    /// And until every order that was answered was read.
    pub(crate) read_after: Option<u32>,
}

impl Storm {
    /// Of the orders that were placed during the outage and the storm.
    pub(crate) fn lost_share(&self) -> f64 {
        self.lost / self.placed.max(1e-9)
    }
}

/// Orders of the same age that try in the same second.
struct Group {
    since: u32,
    orders: f64,
}

/// Counts.
pub(crate) fn count(outage: &Outage) -> Storm {
    let mut storm = Storm::default();
    let mut turns: Vec<Vec<Group>> = (0..EVERY).map(|_| Vec::new()).collect();
    let (mut waiting, mut unread) = (0.0, 0.0);
    for second in 0..outage.seconds + HORIZON {
        let turn = &mut turns[second as usize % EVERY];
        if storm.answered_after.is_none() {
            storm.placed += outage.orders_a_second;
        }
        turn.push(Group { since: second, orders: outage.orders_a_second });
        let calls: f64 = turn.iter().map(|group| group.orders).sum();
        let capacity = if second < outage.seconds { 0.0 } else { outage.capacity };
        // Nobody is served before another: whoever is refused was unlucky.
        let refused = if calls > capacity { 1.0 - capacity / calls } else { 0.0 };
        let answered = calls * (1.0 - refused);
        waiting += outage.orders_a_second - answered;
        unread += answered;
        unread -= outage.reads_a_second.min(unread);
        for group in turn.iter_mut() {
            group.orders *= refused;
            if second - group.since >= PATIENCE {
                storm.lost += group.orders;
                waiting -= group.orders;
                group.orders = 0.0;
            }
        }
        turn.retain(|group| group.orders > 1e-6);

        if second >= outage.seconds {
            let after = second - outage.seconds + 1;
            storm.worst = f64::max(storm.worst, calls);
            if storm.answered_after.is_none() && waiting < 0.5 {
                storm.answered_after = Some(after);
            }
            if storm.answered_after.is_some() && unread < 0.5 {
                storm.read_after = Some(after);
                break;
            }
        } else if second + 1 == outage.seconds {
            storm.waiting = waiting;
        }
    }
    storm
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Outage =
        Outage { orders_a_second: 1.0, seconds: 3600, capacity: 1000.0, reads_a_second: 80.0 };

    #[test]
    fn who_can_answer_all_at_once_has_answered_within_one_interval() {
        let storm = count(&QUIET);
        assert!((storm.waiting - 3600.0).abs() < 1.0, "{storm:?}");
        assert_eq!(storm.answered_after, Some(120));
        assert!(storm.lost < 1e-9);
        // Thirty and one new one each second.
        assert!((storm.worst - 31.0).abs() < 1e-6, "{storm:?}");
    }

    #[test]
    fn an_outage_of_three_hours_costs_the_first_of_them() {
        let storm = count(&Outage { seconds: 3 * 3600, ..QUIET });
        assert!((storm.lost - 3600.0).abs() <= 120.0, "{storm:?}");
        assert!(storm.lost_share() > 0.3 && storm.lost_share() < 0.34);
    }

    #[test]
    fn who_can_only_just_keep_up_loses_what_waited() {
        let storm = count(&Outage { capacity: 1.0, seconds: 7200, ..QUIET });
        assert!(storm.answered_after.is_none() && storm.lost > 5000.0, "{storm:?}");
    }

    #[test]
    fn reading_takes_longer_than_answering() {
        let storm = count(&Outage { orders_a_second: 20.0, ..QUIET });
        assert_eq!(storm.answered_after, Some(120));
        // 72,000 orders waited; 80 are read a second, of which 20 are new ones.
        let read = storm.read_after.unwrap();
        assert!((1150..1250).contains(&read), "{read}");
    }
}
