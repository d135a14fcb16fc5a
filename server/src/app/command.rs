//! The write command: what runs inside a transaction, what it touches, what it answers, and the two
//! ways in which it can fail.

use koogallery::Rejection;
use license_core::issuing_rules::Denial;

use crate::error::ApiError;
use crate::store::{Footprint, StoreError, Tx};

use super::transaction::UnitOfWork;

/// One write of a use case. The writer may run it twice: a second time, in a transaction of its
/// own, when another command failed in the shared one. So `run` takes `&self`, and everything that
/// it leaves behind is in `tx` and `work`.
pub(crate) trait Command: Send + Sync + 'static {
    /// What the caller gets once the transaction is committed.
    type Output: Send + 'static;
    /// [`StoreError`] for a command that no rule refuses, [`Failed`] for any other.
    type Error: CommandError;

    /// Names the rows that it will change and that other servers must not change meanwhile.
    fn footprint(&self, _: &mut Footprint) {}

    /// Loads, decides, writes.
    fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
}

/// Why a use case did not do what was asked.
///
/// The two differ in what becomes of the transaction. A refusal is a result like any other: what
/// the command wrote before it (an alert, an audit entry, a row that is removed because the
/// marketplace rejected it) is committed together with the commands that share the transaction. A
/// store error rolls all of them back, and each is run again by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Failed<R = ApiError> {
    /// A rule says no. Commits.
    Refused(R),
    /// The database failed. Rolls back.
    Store(StoreError),
}

/// The error type of a [`Command`].
pub(crate) trait CommandError: From<StoreError> + Send + 'static {
    /// The failure that rolls the transaction back; `None` for a refusal, which commits.
    fn store_error(&self) -> Option<&StoreError>;
}

impl CommandError for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl<R: Send + 'static> CommandError for Failed<R> {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Refused(_) => None,
            Self::Store(error) => Some(error),
        }
    }
}

impl<R> From<StoreError> for Failed<R> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

// One for each kind of refusal: a blanket `From<R>` would overlap with the one above.

impl From<ApiError> for Failed {
    fn from(refusal: ApiError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Rejection> for Failed<Rejection> {
    fn from(refusal: Rejection) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Denial> for Failed<Denial> {
    fn from(refusal: Denial) -> Self {
        Self::Refused(refusal)
    }
}

/// On the way to a client the difference is gone: both are problems with a code.
impl From<Failed> for ApiError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refusal) => refusal,
            Failed::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
pub(crate) mod failing {
    //! Commands that write and then fail.

    use super::{ApiError, Command, Failed, StoreError, Tx, UnitOfWork};

    #[derive(Clone)]
    pub(crate) enum Fail {
        Breaks,
        IsRefused,
        IsSlow,
        Panics,
    }

    impl Command for Fail {
        type Output = ();
        type Error = Failed;

        async fn run(&self, tx: &mut dyn Tx, _: &mut UnitOfWork<'_>) -> Result<(), Failed> {
            tx.put_meta("half", Some(b"written")).await?;
            let asked = "as it was asked to".to_owned();
            Err(match self {
                Self::Breaks => StoreError::Broken(asked).into(),
                Self::IsRefused => ApiError::plain(license_core::Code::Conflict).into(),
                Self::IsSlow => StoreError::Slow(asked).into(),
                Self::Panics => panic!("{asked}"),
            })
        }
    }
}
