//! What a transaction will change, named before anything is read.

use std::collections::BTreeSet;

/// Everything that several servers must not change at once. A whole batch is locked in one go and
/// in one order, so that two servers never wait for each other in a circle. SQLite has one writer
/// and needs none of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Locks {
    /// What is sold changes: nobody judges by it meanwhile.
    pub(crate) products: bool,
    /// Instances, by id.
    pub(crate) instances: BTreeSet<String>,
    /// Instances, by activation code.
    pub(crate) codes: BTreeSet<String>,
    /// Whatever may have no row yet: an order line, an event.
    pub(crate) names: BTreeSet<String>,
}

impl Locks {
    pub(crate) fn instance(&mut self, id: &str) {
        self.instances.insert(id.to_owned());
    }

    pub(crate) fn code(&mut self, code: String) {
        self.codes.insert(code);
    }

    /// `kind` keeps an event from being taken for an order.
    pub(crate) fn name(&mut self, kind: &str, name: &str) {
        self.names.insert(format!("{kind}/{name}"));
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
