//! Plays a scenario: orders come at their rate, and each is worked on whenever it is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::belief::Belief;
use super::file::Scenario;
use super::life::{Life, World};
use crate::market::open_api::{Marketplace, locked};
use crate::market::seller::Sellers;

/// How long a caller sleeps at most before it looks whether it was told to stop.
const NAP: Duration = Duration::from_millis(100);

/// What was counted on the way.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    calls: AtomicU32,
    failed: AtomicU32,
    resends: AtomicU32,
}

impl Tally {
    pub(super) fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn resends(&self) {
        self.resends.fetch_add(1, Ordering::Relaxed);
    }

    /// Calls, those that failed, and those that were sent again although they were answered.
    pub(crate) fn read(&self) -> (u32, u32, u32) {
        let read = |number: &AtomicU32| number.load(Ordering::Relaxed);
        (read(&self.calls), read(&self.failed), read(&self.resends))
    }
}

/// Where people see how far it is, and where it is told to stop.
pub(crate) struct Progress<'a> {
    pub(crate) bar: &'a ProgressBar,
    pub(crate) stop: &'a AtomicBool,
}

/// Orders that wait, by the moment at which each is due.
struct Agenda {
    due: BinaryHeap<Reverse<(Instant, u32)>>,
    /// Neither waiting nor over.
    at_work: usize,
}

/// Lives all lives; gives what the marketplace believes afterwards.
pub(crate) fn play(
    scenario: &Scenario,
    sellers: &Sellers,
    marketplace: &Marketplace,
    tally: &Tally,
    progress: &Progress<'_>,
) -> anyhow::Result<Vec<Belief>> {
    let run = sellers.basic.fresh::<4>()?.to_uppercase();
    let world = World { scenario, sellers, marketplace, tally, run };
    let start = Instant::now();
    let due = (0..scenario.orders).map(|number| {
        Reverse((start + Duration::from_secs_f64(f64::from(number) / scenario.rate), number))
    });
    let agenda = Mutex::new(Agenda { due: due.collect(), at_work: 0 });
    let bell = Condvar::new();
    let lives: Vec<Mutex<Option<Life>>> = (0..scenario.orders).map(|_| Mutex::default()).collect();

    std::thread::scope(|scope| {
        for _ in 0..scenario.callers {
            scope.spawn(|| {
                while let Some(number) = next(&agenda, &bell, progress.stop) {
                    let again = lives.get(number as usize).and_then(|life| {
                        let mut life = locked(life);
                        let life = life.get_or_insert_with(|| Life::begin(number, &world));
                        life.advance(&world)
                    });
                    let mut agenda = locked(&agenda);
                    agenda.at_work -= 1;
                    match again {
                        Some(after) => agenda.due.push(Reverse((Instant::now() + after, number))),
                        None => progress.bar.inc(1),
                    }
                    bell.notify_all();
                }
            });
        }
    });
    let lives =
        lives.into_iter().map(|life| life.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(lives.flatten().map(|life| life.belief).collect())
}

/// Waits for the next order that is due; none when all are over.
fn next(agenda: &Mutex<Agenda>, bell: &Condvar, stop: &AtomicBool) -> Option<u32> {
    let mut agenda = locked(agenda);
    loop {
        let now = Instant::now();
        let first = agenda.due.peek().map(|Reverse((due, _))| *due);
        match first {
            _ if stop.load(Ordering::Relaxed) => return None,
            None if agenda.at_work == 0 => return None,
            Some(due) if due <= now => {
                let Reverse((_, number)) = agenda.due.pop()?;
                agenda.at_work += 1;
                return Some(number);
            }
            _ => {}
        }
        let nap = first.map_or(NAP, |due| due.saturating_duration_since(now).min(NAP));
        let woken = bell.wait_timeout(agenda, nap.max(Duration::from_millis(1)));
        agenda = woken.unwrap_or_else(PoisonError::into_inner).0;
    }
}
