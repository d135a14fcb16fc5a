//! The unit of work: what the commands of one transaction share, and what they leave behind for
//! after its commit.

use std::sync::Arc;

use license_core::Timestamp;

use super::audit::entry::AuditEntry;
use super::context::Context;
use super::event::Event;

/// One attempt at one transaction. Each attempt has a new one, so that nothing of a run that was
/// rolled back is published or audited.
pub(crate) struct UnitOfWork<'a> {
    pub(crate) context: &'a Arc<Context>,
    /// The same moment throughout.
    pub(crate) now: Timestamp,
    /// Published after the commit; dropped if the transaction is rolled back.
    pub(crate) events: Vec<Event>,
    /// What was done, for the audit chain.
    pub(crate) entries: Vec<AuditEntry>,
}

impl<'a> UnitOfWork<'a> {
    pub(crate) fn new(context: &'a Arc<Context>) -> Self {
        Self { context, now: context.now(), events: Vec::new(), entries: Vec::new() }
    }

    pub(crate) fn publish(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Records what was done: never a look, a refusal without effect, or a re-send.
    pub(crate) fn audit(&mut self, entry: AuditEntry) {
        self.entries.push(entry);
    }
}
