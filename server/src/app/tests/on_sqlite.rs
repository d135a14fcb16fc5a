//! The suite on SQLite.

#[path = "admin.rs"]
mod admin;
#[path = "alerts.rs"]
mod alerts;
#[path = "applying.rs"]
mod applying;
#[path = "audit.rs"]
mod audit;
#[path = "authorization_codes.rs"]
mod authorization_codes;
#[path = "changes.rs"]
mod changes;
#[path = "client_license.rs"]
mod client_license;
#[path = "clock.rs"]
mod clock;
#[path = "crash.rs"]
mod crash;
#[path = "fake_marketplace.rs"]
mod fake_marketplace;
#[path = "faults.rs"]
mod faults;
#[path = "fixture.rs"]
pub(crate) mod fixture;
#[path = "instances.rs"]
mod instances;
#[path = "metered.rs"]
mod metered;
#[path = "notices.rs"]
mod notices;
#[path = "operators.rs"]
mod operators;
#[path = "queues.rs"]
mod queues;
#[path = "refund_warnings.rs"]
mod refund_warnings;
#[path = "restore_hold.rs"]
mod restore_hold;
#[path = "retention.rs"]
mod retention;
#[path = "synchronous.rs"]
mod synchronous;
#[path = "testing.rs"]
mod testing;
#[path = "trust.rs"]
mod trust;
#[path = "usage.rs"]
mod usage;
#[path = "v1.rs"]
mod v1;

/// Which database the benches of this suite open.
const POSTGRES: bool = false;
