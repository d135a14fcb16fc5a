//! Usage records of metered entitlements.

/// One stretch of use, to be reported by [`Sdk::report_usage`](crate::Sdk::report_usage).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Used {
    /// Names it for ever: 1 to 64 characters, best a UUID that is kept beside it until it was
    /// reported. The same number with the same content counts once.
    pub number: String,
    /// The metered entitlement.
    pub entitlement: String,
    /// How much: a decimal above zero with at most four decimals, as in `12.5`.
    pub value: String,
    /// From when, in seconds since 1970.
    pub begin: i64,
    /// Until when.
    pub end: i64,
}
