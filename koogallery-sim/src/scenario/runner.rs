//! Plays a scenario: orders come at their rate, and each is worked on whenever it is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::expected::ExpectedOrder;
use super::file::Scenario;
use super::lifecycle::{Lifecycle, ScenarioContext};
use super::tally::Tally;
use crate::endpoint::{EndpointError, Endpoints};
use crate::lock::locked;
use crate::simulator::Simulator;

/// How long a caller sleeps at most before it looks whether the run was stopped.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How far a run is, and how it is stopped.
pub struct ScenarioProgress<'a> {
    /// Called once for each order that is over, on a caller's thread.
    pub order_over: &'a (dyn Fn() + Sync),
    /// Ends the run early, once it is true.
    pub stop: &'a AtomicBool,
}

/// Orders that wait, by the moment at which each is due.
struct Schedule {
    due: BinaryHeap<Reverse<(Instant, u32)>>,
    /// Neither waiting nor over.
    at_work: usize,
}

/// Plays all orders to their end; gives their expected states. Callers take the order that is due
/// first, and an order is with one caller at a time.
///
/// # Errors
///
/// Where the random source fails.
pub fn run(
    scenario: &Scenario,
    endpoints: &Endpoints,
    simulator: &Simulator,
    tally: &Tally,
    progress: &ScenarioProgress<'_>,
) -> Result<Vec<ExpectedOrder>, EndpointError> {
    let run = endpoints.basic.fresh::<4>()?.to_uppercase();
    let context = ScenarioContext { scenario, endpoints, simulator, tally, run };
    let start = Instant::now();
    let due = (0..scenario.orders).map(|number| {
        Reverse((start + Duration::from_secs_f64(f64::from(number) / scenario.rate), number))
    });
    let schedule = Mutex::new(Schedule { due: due.collect(), at_work: 0 });
    let wakeup = Condvar::new();
    let orders: Vec<Mutex<Option<Lifecycle>>> =
        (0..scenario.orders).map(|_| Mutex::default()).collect();

    std::thread::scope(|scope| {
        for _ in 0..scenario.callers {
            scope.spawn(|| {
                while let Some(number) = next(&schedule, &wakeup, progress.stop) {
                    let again = orders.get(number as usize).and_then(|order| {
                        let mut order = locked(order);
                        let order = order.get_or_insert_with(|| Lifecycle::begin(number, &context));
                        order.advance(&context)
                    });
                    let mut schedule = locked(&schedule);
                    // Under one lock with the push: an order that is neither under way nor due is over.
                    schedule.at_work -= 1;
                    match again {
                        Some(after) => schedule.due.push(Reverse((Instant::now() + after, number))),
                        None => (progress.order_over)(),
                    }
                    wakeup.notify_all();
                }
            });
        }
    });
    let orders =
        orders.into_iter().map(|order| order.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(orders.flatten().map(|order| order.expected).collect())
}

/// Waits for the next order that is due; none when all are over.
fn next(schedule: &Mutex<Schedule>, wakeup: &Condvar, stop: &AtomicBool) -> Option<u32> {
    let mut schedule = locked(schedule);
    loop {
        let now = Instant::now();
        let first = schedule.due.peek().map(|Reverse((due, _))| *due);
        match first {
            _ if stop.load(Ordering::Relaxed) => return None,
            None if schedule.at_work == 0 => return None,
            Some(due) if due <= now => {
                let Reverse((_, number)) = schedule.due.pop()?;
                schedule.at_work += 1;
                return Some(number);
            }
            _ => {}
        }
        let pause = first
            .map_or(POLL_INTERVAL, |due| due.saturating_duration_since(now).min(POLL_INTERVAL));
        let woken = wakeup.wait_timeout(schedule, pause.max(Duration::from_millis(1)));
        schedule = woken.unwrap_or_else(PoisonError::into_inner).0;
    }
}
