//! The statements that both databases understand: one text, compiled into each driver with that
//! driver's transaction and dialect (`sqlite/dialect.rs`, `postgres/dialect.rs`). What truly differs
//! stands with the driver.

mod alerts;
mod applications;
mod audit;
mod backlog;
mod codes;
mod instances;
mod joint_kit;
mod licenses;
mod machines;
mod notices;
mod orders;
mod products;
pub(super) mod queue;
mod retention;
mod signed_lists;
mod tokens;
pub(super) mod uploads;
mod usage;

use super::{Db, DbTx, SHARED, list};
