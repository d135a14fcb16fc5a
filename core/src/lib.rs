//! The license document: keys, trust, machine binding and the rules that a customer could dispute.
//!
//! Nothing here reads a clock, makes randomness or does I/O: the time, random bytes and texts are
//! handed in. What is normative stands in `docs/FORMAT.md`; the code cites its sections.
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

pub mod activation_code;
pub mod api;
pub mod armor;
pub mod audit;
pub mod binding;
pub mod clock;
pub mod component;
#[cfg(all(feature = "issuer", feature = "rsa"))]
pub mod decryption_key;
pub mod device;
mod doc_type;
pub mod entitlement;
pub mod host;
pub mod id;
#[cfg(feature = "issuer")]
pub mod issue;
pub mod issuing_rules;
mod json;
pub mod jws;
pub mod key;
#[cfg(feature = "issuer")]
mod keyfile;
pub mod license;
mod match_report;
pub mod metering;
mod outcome;
pub mod product;
mod refusal;
pub mod release;
pub mod revocation;
#[cfg(feature = "issuer")]
mod signer;
pub mod time;
pub mod trust;
pub mod verify;
pub mod version;

pub use outcome::{Code, Lang};
pub use refusal::Refusal;
pub use time::Timestamp;
