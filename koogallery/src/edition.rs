//! The two editions of the marketplace's interfaces.

/// An edition of an interface; each interface counts its own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Edition {
    /// SaaS 1.0 and License 1.0, the kit below `/produceAPI/`, one authorization code per request,
    /// usage without numbers.
    V1,
    /// The JSON calls, the kit below `/produceAPI/v2/`, up to a hundred codes per request, usage
    /// with a number for each record.
    V2,
}
