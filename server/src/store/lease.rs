//! Who is at a job, and until when others keep off.

/// Seconds by the database's clock: those of several servers may differ. A job is taken over after
/// this and the next look, which is within 30 s.
const SECONDS: i64 = 20;

/// What a server writes on a job that it takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Lease {
    /// The server, anew at every start.
    pub(crate) owner: String,
    pub(crate) seconds: i64,
}

impl Lease {
    pub(crate) fn of(owner: &str) -> Self {
        Self { owner: owner.to_owned(), seconds: SECONDS }
    }
}
