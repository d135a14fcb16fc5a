//! What a transaction will change and look for, named before anything is read.

use std::collections::BTreeSet;

/// Everything that several servers must not change at once, and what can be read ahead. A whole
/// batch is locked in one go and in one order, so that two servers never wait for each other in a
/// circle. SQLite has one writer and needs no locks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Footprint {
    /// What is sold changes: nobody judges by it meanwhile.
    pub(crate) products: bool,
    /// Instances, by id.
    pub(crate) instances: BTreeSet<String>,
    /// Instances, by activation code.
    pub(crate) codes: BTreeSet<String>,
    /// Whatever may have no row yet: an order line, an event.
    pub(crate) names: BTreeSet<String>,
    /// Applications, with what their machines may be found by.
    pub(crate) applications: Vec<ExpectedApplication>,
    /// Uploads that were sent, by id.
    pub(crate) uploads: BTreeSet<String>,
}

/// An application that may be known already.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ExpectedApplication {
    pub(crate) event: String,
    pub(crate) instance: String,
    pub(crate) digests: Vec<String>,
}

impl Footprint {
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

    pub(crate) fn application(&mut self, event: &str, instance: &str, digests: &[String]) {
        self.instance(instance);
        self.name("event", event);
        self.applications.push(ExpectedApplication {
            event: event.to_owned(),
            instance: instance.to_owned(),
            digests: digests.to_vec(),
        });
    }

    pub(crate) fn upload(&mut self, id: &str) {
        self.uploads.insert(id.to_owned());
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
