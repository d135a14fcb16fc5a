//! V1 of the interfaces (SaaS 1.0, License 1.0): GET calls whose query is signed by `authToken`,
//! answers signed in the header `Body-Sign`, single fields encrypted.

mod body_sign;
mod call;
mod field;
mod query;
mod token;

pub use body_sign::{BODY_SIGN, body_sign, verify_body_sign};
pub use call::{ChargingMode, ExpireInstance, Period, PeriodUnit, Purchase, Upgrade, V1Call};
pub use field::{Encryption, IV_LENGTH, Undecryptable, decrypt, encrypt, iv_from_random};
pub use query::{LIMIT, parse};
pub use token::{Verified, sign, timestamp, timestamp_ms, verify};
