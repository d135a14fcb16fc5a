//! Keys on disk and what they protect: signing keys, and the sealing of other parties' secrets.

pub(crate) mod sealing;
pub(crate) mod signing;
