//! Questions that wait for their end, and events on their way to the program.
//!
//! Every accepted question ends in exactly one answer: the ticket leaves the table when it is
//! answered, whatever comes later finds nothing to answer.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use license_core::Code;

use crate::{
    event::{Asked, Event, EventType},
    failure::Failure,
};

pub(crate) type Callback = Arc<dyn Fn(EventType, &str) + Send + Sync>;

/// Where answers are put and taken from.
#[derive(Default)]
pub(crate) struct Outbox {
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Default)]
struct Inside {
    queue: VecDeque<Event>,
    open: BTreeMap<u64, Asked>,
    next: u64,
    callback: Option<Callback>,
    /// The thread that calls the program; none before the start and after the end.
    caller: Option<ThreadId>,
    closed: bool,
}

/// The right to answer one question once. Dropped unanswered, it answers with a failure.
pub(crate) struct Ticket {
    outbox: Arc<Outbox>,
    number: u64,
}

impl Ticket {
    /// Ends the question; further events may follow the answer.
    pub(crate) fn answer(self, events: Vec<Event>) {
        self.outbox.answer(self.number, events);
    }

    /// Ends the question with a failure.
    pub(crate) fn fail(self, failure: &Failure) {
        self.outbox.fail(self.number, failure);
    }

    /// Whether an answer is no longer wanted.
    pub(crate) fn is_void(&self) -> bool {
        !self.outbox.lock().open.contains_key(&self.number)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.outbox.fail(self.number, &Failure::of(Code::Internal));
    }
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        // A panic in between leaves nothing half done here.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts a question, unless the outbox is closed.
    pub(crate) fn ask(self: &Arc<Self>, asked: Asked) -> Option<Ticket> {
        let mut inside = self.lock();
        if inside.closed {
            return None;
        }
        inside.next += 1;
        let number = inside.next;
        inside.open.insert(number, asked);
        Some(Ticket { outbox: Arc::clone(self), number })
    }

    fn answer(&self, number: u64, events: Vec<Event>) {
        let mut inside = self.lock();
        if inside.open.remove(&number).is_some() {
            inside.queue.extend(events);
            self.changed.notify_all();
        }
    }

    fn fail(&self, number: u64, failure: &Failure) {
        let mut inside = self.lock();
        if let Some(asked) = inside.open.remove(&number) {
            inside.queue.push_back(asked.failed(failure));
            self.changed.notify_all();
        }
    }

    /// Names who is called; events that came before are kept for the first one.
    pub(crate) fn register(&self, callback: Callback) {
        let mut inside = self.lock();
        if inside.closed {
            return;
        }
        let before = inside.callback.replace(callback);
        self.changed.notify_all();
        drop(inside);
        // What the program captured may call us while it goes.
        drop(before);
    }

    /// Starts the thread that calls the program.
    ///
    /// # Errors
    /// [`Code::Internal`] if the system gives no thread.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), Code> {
        let outbox = Arc::clone(self);
        let mut inside = self.lock();
        let thread = thread::Builder::new()
            .name("licsdk-events".to_owned())
            .spawn(move || outbox.deliver())
            .map_err(|_| Code::Internal)?;
        inside.caller = Some(thread.thread().id());
        Ok(())
    }

    /// Calls the program with one event after the other until closed and empty.
    fn deliver(&self) {
        let mut inside = self.lock();
        loop {
            let callback = inside.callback.clone();
            if let Some(callback) = callback
                && let Some(event) = inside.queue.pop_front()
            {
                drop(inside);
                // A panic of the program's own code ends with its event.
                let _ = catch_unwind(AssertUnwindSafe(|| callback(event.kind, &event.message)));
                drop(catch_unwind(AssertUnwindSafe(|| drop(callback))));
                inside = self.lock();
            } else if inside.closed {
                // The program's object may go once nobody calls it any more.
                let callback = inside.callback.take();
                inside.queue.clear();
                inside.caller = None;
                self.changed.notify_all();
                drop(inside);
                drop(catch_unwind(AssertUnwindSafe(|| drop(callback))));
                return;
            } else {
                inside = self.changed.wait(inside).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Ends every open question and takes no new ones.
    pub(crate) fn close(&self) {
        let mut inside = self.lock();
        inside.closed = true;
        let open = std::mem::take(&mut inside.open);
        let failure = Failure::of(Code::ShutDown);
        inside.queue.extend(open.into_values().map(|asked| asked.failed(&failure)));
        // Where no thread was started nobody else will let go of the program's object.
        let unused = if inside.caller.is_none() { inside.callback.take() } else { None };
        self.changed.notify_all();
        drop(inside);
        drop(unused);
    }

    /// Waits until the last event was delivered; inside of a callback, or after `limit`, it
    /// returns `false` without that.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut inside = self.lock();
        while let Some(caller) = inside.caller {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || caller == thread::current().id() {
                return false;
            }
            let waited = self.changed.wait_timeout(inside, left);
            inside = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::event::LicenseType;

    const ASKED: Asked = Asked::License(LicenseType::String);

    fn started() -> (Arc<Outbox>, mpsc::Receiver<String>) {
        let outbox = Arc::new(Outbox::default());
        let (sender, receiver) = mpsc::channel();
        outbox.register(Arc::new(move |_, message| {
            // The test may have seen enough.
            let _ = sender.send(message.to_owned());
        }));
        outbox.start().unwrap();
        (outbox, receiver)
    }

    fn ended(outbox: &Outbox) {
        outbox.close();
        assert!(outbox.wait(Duration::from_secs(10)));
        assert!(outbox.lock().caller.is_none());
    }

    #[test]
    fn a_question_is_answered_once() {
        let (outbox, events) = started();
        let ticket = outbox.ask(ASKED).unwrap();
        ticket.answer(vec![Event::license_string("L", &[])]);
        ended(&outbox);
        let all: Vec<_> = events.iter().collect();
        assert_eq!(all.len(), 1);
        assert!(all[0].contains("\"L\""));
    }

    #[test]
    fn a_question_that_was_dropped_or_left_open_fails_once() {
        let (outbox, events) = started();
        drop(outbox.ask(ASKED).unwrap());
        let open = outbox.ask(ASKED).unwrap();
        ended(&outbox);
        assert!(open.is_void());
        open.answer(vec![Event::license_string("late", &[])]);
        assert!(outbox.ask(ASKED).is_none());
        let all: Vec<_> = events.iter().collect();
        assert_eq!(all.len(), 2);
        assert!(all[0].contains("INTERNAL"));
        assert!(all[1].contains("SHUT_DOWN"));
    }

    #[test]
    fn events_wait_for_the_first_callback() {
        let outbox = Arc::new(Outbox::default());
        outbox.start().unwrap();
        outbox.ask(ASKED).unwrap().fail(&Failure::of(Code::Internal));
        let (sender, events) = mpsc::channel();
        outbox.register(Arc::new(move |kind, _: &str| sender.send(kind).unwrap()));
        assert_eq!(events.recv_timeout(Duration::from_secs(5)), Ok(EventType::LicenseVerify));
        ended(&outbox);
    }

    #[test]
    fn a_callback_that_calls_us_while_it_goes_does_not_lock_itself_out() {
        struct Asks(Arc<Outbox>);
        impl Drop for Asks {
            fn drop(&mut self) {
                drop(self.0.ask(ASKED));
            }
        }
        let outbox = Arc::new(Outbox::default());
        let asks = Asks(Arc::clone(&outbox));
        outbox.register(Arc::new(move |_, _: &str| {
            let _ = &asks;
        }));
        let (sender, events) = mpsc::channel();
        outbox.register(Arc::new(move |kind, _: &str| sender.send(kind).unwrap()));
        outbox.start().unwrap();
        assert!(events.recv_timeout(Duration::from_secs(5)).is_ok());
        ended(&outbox);
    }

    #[test]
    fn a_callback_that_panics_ends_with_its_event() {
        let outbox = Arc::new(Outbox::default());
        let (sender, events) = mpsc::channel();
        outbox.register(Arc::new(move |_, _: &str| {
            sender.send(()).unwrap();
            panic!("the program's own defect");
        }));
        outbox.start().unwrap();
        drop(outbox.ask(ASKED));
        drop(outbox.ask(ASKED));
        ended(&outbox);
        assert_eq!(events.iter().count(), 2);
    }

    #[test]
    fn without_a_thread_nobody_waits() {
        let outbox = Outbox::default();
        outbox.close();
        assert!(outbox.wait(Duration::from_mins(1)));
    }
}
