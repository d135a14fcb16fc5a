//! The suite on SQLite.

#[path = "admin.rs"]
mod admin;
#[path = "alerts.rs"]
mod alerts;
#[path = "applying.rs"]
mod applying;
#[path = "audit.rs"]
mod audit;
#[path = "bench.rs"]
pub(crate) mod bench;
#[path = "changes.rs"]
mod changes;
#[path = "client.rs"]
mod client;
#[path = "clock.rs"]
mod clock;
#[path = "codes.rs"]
mod codes;
#[path = "crash.rs"]
mod crash;
#[path = "double.rs"]
mod double;
#[path = "faults.rs"]
mod faults;
#[path = "first_edition.rs"]
mod first_edition;
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
#[path = "refunds.rs"]
mod refunds;
#[path = "restored.rs"]
mod restored;
#[path = "sweeping.rs"]
mod sweeping;
#[path = "synchronous.rs"]
mod synchronous;
#[path = "testing.rs"]
mod testing;
#[path = "trust.rs"]
mod trust;
#[path = "usage.rs"]
mod usage;

/// Which database the benches of this suite open.
const POSTGRES: bool = false;
