//! Event dispatcher: pending requests, and the thread that calls the program with their events.
//!
//! Every accepted request ends in exactly one answer: answering removes it from the table, so that a
//! later answer finds nothing. One lock guards table, queue and callback; it is never held while the
//! program's code runs, because that code may call the SDK.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use license_core::Code;

use crate::{
    error::SdkError,
    event::{Event, EventType, RequestKind},
};

pub(crate) type Callback = Arc<dyn Fn(EventType, &str) + Send + Sync>;

/// Queue of events and table of pending requests.
#[derive(Default)]
pub(crate) struct EventDispatcher {
    inside: Mutex<DispatcherState>,
    changed: Condvar,
}

#[derive(Default)]
struct DispatcherState {
    queue: VecDeque<Event>,
    open: BTreeMap<u64, RequestKind>,
    next: u64,
    callback: Option<Callback>,
    /// The thread that calls the program; none before the start and after the end.
    caller: Option<ThreadId>,
    closed: bool,
}

/// The right to answer one request once. Dropped unanswered, it fails the request.
pub(crate) struct PendingRequest {
    dispatcher: Arc<EventDispatcher>,
    number: u64,
}

impl PendingRequest {
    /// Ends the question; further events may follow the answer.
    pub(crate) fn answer(self, events: Vec<Event>) {
        self.dispatcher.answer(self.number, events);
    }

    /// Ends the question with a failure.
    pub(crate) fn fail(self, failure: &SdkError) {
        self.dispatcher.fail(self.number, failure);
    }

    /// Whether an answer is no longer wanted.
    pub(crate) fn is_void(&self) -> bool {
        !self.dispatcher.lock().open.contains_key(&self.number)
    }
}

impl Drop for PendingRequest {
    fn drop(&mut self) {
        self.dispatcher.fail(self.number, &SdkError::of(Code::Internal));
    }
}

impl EventDispatcher {
    fn lock(&self) -> MutexGuard<'_, DispatcherState> {
        // A panic in between leaves nothing half done here.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts a question, unless the dispatcher is closed.
    pub(crate) fn ask(self: &Arc<Self>, asked: RequestKind) -> Option<PendingRequest> {
        let mut inside = self.lock();
        if inside.closed {
            return None;
        }
        inside.next += 1;
        let number = inside.next;
        inside.open.insert(number, asked);
        Some(PendingRequest { dispatcher: Arc::clone(self), number })
    }

    fn answer(&self, number: u64, events: Vec<Event>) {
        let mut inside = self.lock();
        if inside.open.remove(&number).is_some() {
            inside.queue.extend(events);
            self.changed.notify_all();
        }
    }

    fn fail(&self, number: u64, failure: &SdkError) {
        let mut inside = self.lock();
        if let Some(asked) = inside.open.remove(&number) {
            inside.queue.push_back(asked.failed(failure));
            self.changed.notify_all();
        }
    }

    /// Replaces the callback; events that came before the first one are kept for it.
    pub(crate) fn register(&self, callback: Callback) {
        let mut inside = self.lock();
        if inside.closed {
            return;
        }
        let before = inside.callback.replace(callback);
        self.changed.notify_all();
        drop(inside);
        // Dropped outside of the lock: destructors of captured values may call the SDK.
        drop(before);
    }

    /// Starts the thread that calls the program.
    ///
    /// # Errors
    /// [`Code::Internal`] if the system gives no thread.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), Code> {
        let dispatcher = Arc::clone(self);
        let mut inside = self.lock();
        let thread = thread::Builder::new()
            .name("licsdk-events".to_owned())
            .spawn(move || dispatcher.deliver())
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
                // No event follows: the callback and what it captured can be dropped.
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
        let failure = SdkError::of(Code::ShutDown);
        inside.queue.extend(open.into_values().map(|asked| asked.failed(&failure)));
        // Without a thread the callback has to be dropped here.
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

    const ASKED: RequestKind = RequestKind::License(LicenseType::String);

    fn started() -> (Arc<EventDispatcher>, mpsc::Receiver<String>) {
        let dispatcher = Arc::new(EventDispatcher::default());
        let (sender, receiver) = mpsc::channel();
        dispatcher.register(Arc::new(move |_, message| {
            // The test may have seen enough.
            let _ = sender.send(message.to_owned());
        }));
        dispatcher.start().unwrap();
        (dispatcher, receiver)
    }

    fn ended(dispatcher: &EventDispatcher) {
        dispatcher.close();
        assert!(dispatcher.wait(Duration::from_secs(10)));
        assert!(dispatcher.lock().caller.is_none());
    }

    #[test]
    fn a_question_is_answered_once() {
        let (dispatcher, events) = started();
        let pending = dispatcher.ask(ASKED).unwrap();
        pending.answer(vec![Event::license_string("L", &[])]);
        ended(&dispatcher);
        let all: Vec<_> = events.iter().collect();
        assert_eq!(all.len(), 1);
        assert!(all[0].contains("\"L\""));
    }

    #[test]
    fn a_question_that_was_dropped_or_left_open_fails_once() {
        let (dispatcher, events) = started();
        drop(dispatcher.ask(ASKED).unwrap());
        let open = dispatcher.ask(ASKED).unwrap();
        ended(&dispatcher);
        assert!(open.is_void());
        open.answer(vec![Event::license_string("late", &[])]);
        assert!(dispatcher.ask(ASKED).is_none());
        let all: Vec<_> = events.iter().collect();
        assert_eq!(all.len(), 2);
        assert!(all[0].contains("INTERNAL"));
        assert!(all[1].contains("SHUT_DOWN"));
    }

    #[test]
    fn events_wait_for_the_first_callback() {
        let dispatcher = Arc::new(EventDispatcher::default());
        dispatcher.start().unwrap();
        dispatcher.ask(ASKED).unwrap().fail(&SdkError::of(Code::Internal));
        let (sender, events) = mpsc::channel();
        dispatcher.register(Arc::new(move |kind, _: &str| sender.send(kind).unwrap()));
        assert_eq!(events.recv_timeout(Duration::from_secs(5)), Ok(EventType::LicenseVerify));
        ended(&dispatcher);
    }

    #[test]
    fn a_callback_that_calls_us_while_it_goes_does_not_lock_itself_out() {
        struct Asks(Arc<EventDispatcher>);
        impl Drop for Asks {
            fn drop(&mut self) {
                drop(self.0.ask(ASKED));
            }
        }
        let dispatcher = Arc::new(EventDispatcher::default());
        let asks = Asks(Arc::clone(&dispatcher));
        dispatcher.register(Arc::new(move |_, _: &str| {
            let _ = &asks;
        }));
        let (sender, events) = mpsc::channel();
        dispatcher.register(Arc::new(move |kind, _: &str| sender.send(kind).unwrap()));
        dispatcher.start().unwrap();
        assert!(events.recv_timeout(Duration::from_secs(5)).is_ok());
        ended(&dispatcher);
    }

    #[test]
    fn a_callback_that_panics_ends_with_its_event() {
        let dispatcher = Arc::new(EventDispatcher::default());
        let (sender, events) = mpsc::channel();
        dispatcher.register(Arc::new(move |_, _: &str| {
            sender.send(()).unwrap();
            panic!("the program's own defect");
        }));
        dispatcher.start().unwrap();
        drop(dispatcher.ask(ASKED));
        drop(dispatcher.ask(ASKED));
        ended(&dispatcher);
        assert_eq!(events.iter().count(), 2);
    }

    #[test]
    fn without_a_thread_nobody_waits() {
        let dispatcher = EventDispatcher::default();
        dispatcher.close();
        assert!(dispatcher.wait(Duration::from_mins(1)));
    }
}
