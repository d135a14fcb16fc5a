//! The unit of work: what the commands of one transaction share, and what they leave behind for
//! after its commit.

use std::sync::Arc;

use license_core::Timestamp;

use super::audit::entry::Entry;
use super::context::Context;
use super::event::Event;

/// One attempt at one use case, inside of a transaction.
pub(crate) struct UnitOfWork<'a> {
    pub(crate) context: &'a Arc<Context>,
    /// The same moment throughout.
    pub(crate) now: Timestamp,
    /// Told after the commit; dropped with the transaction otherwise.
    pub(crate) events: Vec<Event>,
    /// What was done, for the audit chain.
    pub(crate) entries: Vec<Entry>,
}

impl<'a> UnitOfWork<'a> {
    pub(crate) fn new(context: &'a Arc<Context>) -> Self {
        Self { context, now: context.now(), events: Vec::new(), entries: Vec::new() }
    }

    pub(crate) fn publish(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Records what was done: never a look, a refusal without effect, or a re-send.
    pub(crate) fn audit(&mut self, entry: Entry) {
        self.entries.push(entry);
    }
}
