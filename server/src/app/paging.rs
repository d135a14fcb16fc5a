//! How much of a list is answered at once.

use license_core::Code;

use crate::error::ApiError;

/// Rows of a list where nothing else is asked for.
const USUAL: u32 = 100;
/// The most rows of one answer.
const MOST: u32 = 1000;

/// Rows that are answered, if that is a number of rows.
pub(crate) fn limit(asked: Option<u32>) -> Result<i64, ApiError> {
    match asked.unwrap_or(USUAL) {
        rows @ 1..=MOST => Ok(i64::from(rows)),
        _ => Err(ApiError::new(
            Code::RequestInvalid,
            format!("`limit` is a number from 1 to {MOST}"),
            format!("limit 须为 1 到 {MOST} 的整数"),
        )),
    }
}
