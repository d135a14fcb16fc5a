//! Locking what the requests share.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A thread that panicked leaves these as they were: each change is made at once.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
