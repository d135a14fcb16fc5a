//! Every client that leaves the process: the marketplace, login centers, the webhook and the
//! program of alerts. None of them knows the application.

pub(crate) mod agent;
pub(crate) mod backoff;
pub(crate) mod circuit_breaker;
pub(crate) mod marketplace;
pub(crate) mod notifier;
pub(crate) mod oauth;
mod program;
mod webhook;
