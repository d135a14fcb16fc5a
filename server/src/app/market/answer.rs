//! How the outcome of a call becomes the marketplace's answer.

use koogallery::{Answer, Rejection, ResultCode};

use crate::app::command::Failed;

/// What the marketplace is answered; a failure of ours is logged here, once.
pub(super) fn conclude(outcome: Result<Answer, Failed<Rejection>>) -> Answer {
    match outcome {
        Ok(answer) => answer,
        Err(Failed::Refused(rejection)) => rejection.into(),
        Err(Failed::Store(error)) => {
            tracing::error!(error = %error, "a call of the marketplace could not be served");
            Answer::of(ResultCode::Internal)
        }
    }
}
