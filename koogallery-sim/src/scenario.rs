//! The buyers' side for a whole month: orders, applications, renewals, freezes and refunds, with the
//! marketplace's own retries, and at the end the expected states against what the seller answers.

mod audit;
mod expected;
mod file;
mod lifecycle;
mod plan;
mod runner;
mod tally;

pub use audit::{AuditError, SellerRecords, audit};
pub use expected::{ExpectedOrder, ExpectedState, LicenseApplication};
pub use file::{Scenario, ScenarioError, ScenarioProduct, SellerConfig, Shares};
pub use runner::{ScenarioProgress, run};
pub use tally::Tally;
