//! KooGallery's messages and signatures in both directions: bytes and structs in, bytes and
//! structs out. No I/O, no clock, no randomness.
//!
//! The marketplace calls the seller ([`body`], [`signature`], [`call`], [`kit`], [`answer`]; [`v1`]
//! for V1); the seller calls the marketplace ([`aksk`], [`license_code`],
//! [`order`], [`upload`], [`usage`], [`failure`]). Each side can be played:
//! what is parsed here can be written here, so that tests and tools can stand in for the other.

pub mod aksk;
pub mod answer;
pub mod auth_token;
pub mod body;
pub mod call;
pub mod code;
mod edition;
pub mod failure;
pub mod kit;
pub mod license_code;
mod mac;
pub mod oauth;
pub mod order;
pub mod retry;
pub mod signature;
pub mod time;
pub mod upload;
pub mod usage;
pub mod v1;

/// All but the unreserved characters of RFC 3986, for paths and queries.
pub(crate) const RESERVED: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub use answer::Answer;
pub use body::Body;
pub use call::{Call, InterfaceType, interface};
pub use code::{Rejection, ResultCode};
pub use edition::Edition;
pub use failure::{Failure, Remedy};
pub use signature::{AccessKey, Presented};
