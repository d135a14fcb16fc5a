//! The buyer's side for a whole month: orders, applications, renewals, freezes and refunds, with
//! the marketplace's own retries, and at the end what it believes against what the seller says.

mod audit;
mod belief;
mod file;
mod life;
mod plan;
mod play;
mod sale;

pub(crate) use audit::audit;
pub(crate) use belief::{Belief, Standing};
pub(crate) use file::Scenario;
pub(crate) use play::{Progress, Tally, play};
