//! Authorization codes at the marketplace: "activate" and "query" (the heartbeat), v1 for one
//! code, v2 for up to a hundred. Requests are exact; answers are read leniently, because the form
//! of v2's is not public, and what was answered is kept as text.

mod wire;

use crate::edition::Edition;
use crate::failure::{self, Failure};

pub use wire::{CodeRequest, InvalidRequest, read_request};

/// The most codes that one request of v2 may name.
pub const BATCH_LIMIT: usize = 100;

/// The longest code, in characters.
pub const CODE_LIMIT: usize = 64;

/// What is kept of an answer's text, in characters.
const RAW_LIMIT: usize = 4096;

/// Which of the two interfaces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CodeInterface {
    /// 激活授权码: once, when the software is first used.
    Activate,
    /// 查询授权码: at the first use of each day.
    Heartbeat,
}

/// `status` of a code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LicenseCodeStatus {
    /// `ALIVE`.
    Alive,
    /// `EXPIRED`.
    Expired,
    /// `RELEASED`.
    Released,
    /// One that the guide does not list.
    Other(String),
}

/// What the marketplace says of one code. What it leaves out is `None`; times are UTC seconds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CodeInfo {
    /// The code, where the answer names it.
    pub code: Option<String>,
    /// Whether it may be used.
    pub status: Option<LicenseCodeStatus>,
    /// Its end: an estimate in the answer to "activate".
    pub expires: Option<i64>,
    /// When it was activated.
    pub activated: Option<i64>,
    /// What was bought.
    pub product_id: Option<String>,
    /// Its variant.
    pub sku_code: Option<String>,
    /// The order.
    pub order_id: Option<String>,
    /// How many.
    pub amount: Option<i64>,
    /// What this was read from, at most 4,096 characters.
    pub raw: String,
}

impl CodeInfo {
    /// The quantity; one where there is none.
    #[must_use]
    pub fn quantity(&self) -> u32 {
        self.amount.map_or(1, |n| u32::try_from(n.max(1)).unwrap_or(u32::MAX))
    }
}

/// The path of a request.
#[must_use]
pub const fn path(interface: CodeInterface, edition: Edition) -> &'static str {
    match (interface, edition) {
        (CodeInterface::Activate, Edition::V1) => {
            "/api/mkp-openapi-public/global/v1/license/activate"
        }
        (CodeInterface::Activate, Edition::V2) => {
            "/api/mkp-openapi-public/global/v2/license/activate"
        }
        (CodeInterface::Heartbeat, Edition::V1) => {
            "/api/mkp-openapi-public/global/v1/license/heartbeat"
        }
        (CodeInterface::Heartbeat, Edition::V2) => {
            "/api/mkp-openapi-public/global/v2/license/heartbeat"
        }
    }
}

/// The interface and the edition that a path names, for a simulated marketplace.
#[must_use]
pub fn of_path(path_of: &str) -> Option<(CodeInterface, Edition)> {
    [CodeInterface::Activate, CodeInterface::Heartbeat]
        .into_iter()
        .flat_map(|interface| [(interface, Edition::V1), (interface, Edition::V2)])
        .find(|&(interface, edition)| path(interface, edition) == path_of)
}

/// The body of v1's "activate": one code, and since when the software is really used.
#[must_use]
pub fn activate_one(code: &str, since: Option<i64>) -> Vec<u8> {
    wire::one(code, since)
}

/// The body of v1's "query".
#[must_use]
pub fn heartbeat_one(code: &str) -> Vec<u8> {
    wire::one(code, None)
}

/// The bodies of v2's "activate": as many as it takes to name each code once.
#[must_use]
pub fn activate_batches(codes: &[String], since: Option<i64>) -> Vec<Vec<u8>> {
    codes.chunks(BATCH_LIMIT).map(|batch| wire::many(batch, since)).collect()
}

/// The bodies of v2's "query", by analogy with "activate".
#[must_use]
pub fn heartbeat_batches(codes: &[String]) -> Vec<Vec<u8>> {
    activate_batches(codes, None)
}

/// Reads the answer to a request about one code, of either interface.
///
/// # Errors
///
/// What the marketplace said instead of success, or that its answer tells nothing of the code or
/// has a date that is none: a license must not be made from a date that was misread.
pub fn read_one(status: u16, body: &[u8]) -> Result<CodeInfo, Failure> {
    let answer = failure::read(status, body)?;
    let mut found = wire::infos(&answer).map_err(|reason| Failure::unreadable(status, reason))?;
    match found.len() {
        0 => Err(Failure::unreadable(status, "the answer tells nothing of the code")),
        1 => {
            let mut info = found.remove(0);
            info.raw = String::from_utf8_lossy(body).chars().take(RAW_LIMIT).collect();
            Ok(info)
        }
        _ => Err(Failure::unreadable(status, "the answer tells of more than one code")),
    }
}

/// Reads the answer to "activate" about one code, which has to say what was bought.
///
/// # Errors
///
/// As [`read_one`], and where a code that may be used has no product.
pub fn read_activation(status: u16, body: &[u8]) -> Result<CodeInfo, Failure> {
    let info = read_one(status, body)?;
    let over =
        matches!(info.status, Some(LicenseCodeStatus::Expired | LicenseCodeStatus::Released));
    if info.product_id.is_none() && !over {
        return Err(Failure::unreadable(status, "the answer names no product"));
    }
    Ok(info)
}

/// Reads the answer to a request about several codes: one element for each code that was asked
/// for, `None` where the answer is silent about it. Elements that do not name their code belong to
/// the codes in their order, if there are as many.
///
/// # Errors
///
/// As [`read_one`].
pub fn read_many(
    status: u16,
    body: &[u8],
    codes: &[String],
) -> Result<Vec<Option<CodeInfo>>, Failure> {
    let answer = failure::read(status, body)?;
    let found = wire::infos(&answer).map_err(|reason| Failure::unreadable(status, reason))?;
    let nameless = found.iter().all(|info| info.code.is_none());
    if nameless && found.len() == codes.len() {
        return Ok(found.into_iter().map(Some).collect());
    }
    Ok(codes
        .iter()
        .map(|code| found.iter().find(|info| info.code.as_ref() == Some(code)).cloned())
        .collect())
}

/// The answer to a request, for a simulated marketplace. v2's is ours: v1's element for
/// element.
#[must_use]
pub fn answer(interface: CodeInterface, edition: Edition, infos: &[CodeInfo]) -> Vec<u8> {
    wire::answer(interface, edition, infos)
}

/// The answer that refuses, for a simulated marketplace. `92020001` is "unauthorized" with
/// the HTTP status 403 and "internal error" with any other.
#[must_use]
pub fn refusal(code: &str, message: &str) -> Vec<u8> {
    crate::upload::answer(code, message)
}

#[cfg(test)]
mod tests;
