//! The wall clock: calls are signed with it, and the server knows the same one.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds of Unix time.
#[expect(clippy::disallowed_methods, reason = "the server under test lives by the wall clock")]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Now, in seconds of Unix time.
pub(crate) fn now() -> i64 {
    now_ms() / 1000
}
