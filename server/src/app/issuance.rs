//! Issuing: the decision whether a license may be made, the license itself, and applications that
//! wait for their order or their instance.

mod decide;
mod issue;
mod pending;
mod presented_machine;

pub(crate) use decide::{
    Decision, Grant, IssueRequest, SeatAllocation, count, decide, limit_of, product_of,
    result_code, state,
};
pub(crate) use issue::{issue, reopen, send, take_back, terms};
pub(crate) use pending::{ReevaluatePending, fulfil, reevaluate};
pub(crate) use presented_machine::PresentedMachine;
