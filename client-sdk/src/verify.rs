//! Verifying any license against any trust, without an [`Sdk`](crate::Sdk), a state folder or a
//! network.

use license_core::{
    Code, Timestamp,
    revocation::Revocations,
    trust::KeyRing,
    verify::{Verified, VerifyContext, license},
    version::Version,
};

use crate::{
    Outcome,
    error::SdkError,
    platform,
    trust_anchors::{AnchorError, TrustAnchors},
};

/// A question about one license. What is `None` is not checked by [`verify`]; by
/// [`Sdk::verify`](crate::Sdk::verify) it is taken from the program's configuration and this
/// machine.
#[derive(Clone, Debug, Default)]
pub struct VerifyRequest {
    /// The license: text or the bytes of a file.
    pub license: Vec<u8>,
    /// Trusted public keys as JWKS text.
    pub trust: Option<String>,
    /// Trust lists signed by a root of `trust`, oldest first.
    pub trust_lists: Vec<String>,
    /// The program's product.
    pub product: Option<String>,
    /// The program's version.
    pub version: Option<String>,
    /// When this version was released.
    pub release_date: Option<String>,
    /// The machine's device text.
    pub dev_info: Option<String>,
    /// The time: a date, RFC 3339 or UTC seconds; absent: now.
    pub at: Option<String>,
    /// Signed revocation lists.
    pub revocations: Vec<String>,
    /// The latest time seen before.
    pub floor: Option<String>,
}

impl VerifyRequest {
    /// Asks for one license; everything else is left open.
    #[must_use]
    pub fn new(license: impl Into<Vec<u8>>) -> Self {
        Self { license: license.into(), ..Self::default() }
    }
}

/// Verifies a license with nothing but what the request holds.
///
/// # Examples
/// ```
/// use license_client::{Code, VerifyRequest, verify};
///
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let outcome = verify(&VerifyRequest {
///     trust: Some(jwks.to_owned()),
///     product: Some("flowsim".to_owned()),
///     ..VerifyRequest::new("no license at all")
/// });
/// assert_eq!(outcome.code(), Code::LicenseMalformed);
/// println!("{}", outcome.json()["remedy"]);
/// ```
#[must_use]
pub fn verify(request: &VerifyRequest) -> Outcome {
    verified(request).into()
}

fn verified(request: &VerifyRequest) -> Result<Verified, SdkError> {
    let now = moment("at", request.at.as_deref())?.unwrap_or_else(platform::wall_clock);
    verified_by(&ring(request, now)?, request)
}

fn invalid(name: &str, error: &dyn std::fmt::Display) -> SdkError {
    SdkError::with(Code::RequestInvalid, format_args!("`{name}`: {error}"))
}

fn moment(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, SdkError> {
    text.map(|text| text.parse::<Timestamp>().map_err(|error| invalid(name, &error))).transpose()
}

/// Verifies with keys that are known already.
///
/// # Errors
/// [`Code::RequestInvalid`], or the first check that fails.
pub(crate) fn verified_by(ring: &KeyRing, request: &VerifyRequest) -> Result<Verified, SdkError> {
    let now = moment("at", request.at.as_deref())?.unwrap_or_else(platform::wall_clock);
    let version = request
        .version
        .as_deref()
        .map(|text| text.parse::<Version>().map_err(|error| invalid("version", &error)))
        .transpose()?;
    let revocations: Vec<_> = request
        .revocations
        .iter()
        .map(|list| Revocations::open(list.trim(), ring, now))
        .collect::<Result<_, _>>()?;
    let question = VerifyContext {
        now,
        product: request.product.as_deref(),
        version: version.as_ref(),
        release_date: moment("release_date", request.release_date.as_deref())?,
        device: request.dev_info.as_deref(),
        revocations: &revocations,
        floor: moment("floor", request.floor.as_deref())?,
    };
    Ok(license(&request.license, ring, &question)?)
}

fn ring(request: &VerifyRequest, now: Timestamp) -> Result<KeyRing, SdkError> {
    let trust = request.trust.as_deref().unwrap_or_default();
    let anchors = TrustAnchors::read(trust, false).map_err(|error: AnchorError| {
        SdkError::with(Code::ConfigInvalid, format_args!("`trust`: {error}"))
    })?;
    let mut list = None;
    for document in &request.trust_lists {
        list = Some(anchors.open_list(document.trim(), list.as_ref(), now).ok_or_else(|| {
            SdkError::with(Code::SignatureInvalid, "the trust list is signed by no root of ours")
        })?);
    }
    Ok(anchors.ring(list.as_ref()))
}
