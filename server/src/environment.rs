//! What the process takes from the machine it runs on: the wall clock and randomness. Made once
//! in `main` and passed on, so that tests can give their own.

use std::sync::Arc;

/// Reads the wall clock.
pub(crate) trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC: the marketplace signs milliseconds.
    fn now_ms(&self) -> i64;
}

/// Makes bytes that nobody can guess.
pub(crate) trait Entropy: Send + Sync {
    /// Fills the whole of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// Clock and randomness together, cheap to clone.
#[derive(Clone)]
pub(crate) struct Environment {
    /// The wall clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The random source.
    pub(crate) entropy: Arc<dyn Entropy>,
}
