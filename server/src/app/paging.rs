//! The `limit` of list requests.

use license_core::Code;

use crate::error::ApiError;

/// Rows of a list where nothing else is asked for.
const DEFAULT_LIMIT: u32 = 100;
/// The most rows of one answer.
const MAX_LIMIT: u32 = 1000;

/// Rows that are answered, if that is a number of rows.
pub(crate) fn limit(asked: Option<u32>) -> Result<i64, ApiError> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        rows @ 1..=MAX_LIMIT => Ok(i64::from(rows)),
        _ => Err(ApiError::new(
            Code::RequestInvalid,
            format!("`limit` is a number from 1 to {MAX_LIMIT}"),
            format!("limit 须为 1 到 {MAX_LIMIT} 的整数"),
        )),
    }
}
