//! The conformance suite: the debugging page of the marketplace's console against a seller's
//! endpoint, and what the rules demand beyond it.
//!
//! Every call carries `testFlag` "1": a seller in production counts none of them.

mod basic;
mod chapters;
mod codes;
mod encodings;
mod expectation;
mod joint_kit;
mod order_notification;
mod refusals;
mod suite;
mod upgrades;
mod v1;

use crate::endpoint::{EndpointError, Endpoints};
use crate::language::Language;

pub(crate) use expectation::names_instance;
pub use suite::{CaseResult, CaseVerdict, Subject};

use expectation::Rule;
use suite::Conformance;

/// Runs every case; sentences about wrong answers are in this language.
///
/// # Errors
///
/// Where the first call was not answered at all; later ones are cases that fail.
pub fn run(
    endpoints: &Endpoints,
    subject: Subject,
    language: Language,
) -> Result<Vec<CaseResult>, EndpointError> {
    let endpoint = &endpoints.basic;
    let event = format!("DEBUG-{}", endpoint.fresh::<8>()?);
    let (instance, rows) = (String::new(), Vec::new());
    let mut suite = Conformance { endpoints, endpoint, subject, language, instance, event, rows };
    // The first call tells an unreachable seller from a wrong one.
    let request = endpoint.sign(suite.create()?.json())?;
    let first = endpoint.send(&request)?;
    suite.instance.push_str(first.member("instanceId").unwrap_or_default());
    suite.record("create", "newInstance".to_owned(), Ok(first), &Rule::created());

    basic::run(&mut suite)?;
    encodings::run(&mut suite)?;
    refusals::run(&mut suite)?;
    upgrades::run(&mut suite)?;
    codes::run(&mut suite)?;
    order_notification::run(&mut suite)?;
    v1::run(&mut suite)?;
    joint_kit::run(&mut suite)?;
    Ok(suite.rows)
}
