//! Verifying a license: the checks in their order, each with its own refusal
//! (FORMAT.md, section 9).

use serde::Serialize;
use serde_json::{Map, Value, json};

pub use crate::refusal::{KeyLimit, Refusal, Warning};
use crate::{
    Code, Timestamp,
    armor::{self, Label},
    binding::MatchReport,
    device::DeviceInfo,
    jws::DocType,
    key::KeyId,
    license::License,
    revocation::{RevocationStatus, Revocations},
    time::DAY,
    trust::KeyRing,
    version::Version,
};

/// How far the clock may stand behind the latest time seen.
pub const CLOCK_TOLERANCE: i64 = DAY;

/// What the verifier knows of the program, the machine and the moment.
#[derive(Clone, Copy, Debug)]
pub struct VerifyContext<'a> {
    /// The time.
    pub now: Timestamp,
    /// The program's product; absent: not checked.
    pub product: Option<&'a str>,
    /// The program's version; absent: not checked.
    pub version: Option<&'a Version>,
    /// When this version was released, for the maintenance window; absent: not checked.
    pub release_date: Option<Timestamp>,
    /// The machine's device text; absent: the binding is not checked, which is said.
    pub device: Option<&'a str>,
    /// The revocation lists at hand, verified.
    pub revocations: &'a [Revocations],
    /// The latest time seen, where a clock behind it is to be refused.
    pub floor: Option<Timestamp>,
}

impl VerifyContext<'_> {
    /// Asks for nothing but the signature and the dates.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            product: None,
            version: None,
            release_date: None,
            device: None,
            revocations: &[],
            floor: None,
        }
    }
}

/// In which part of its life a valid license is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValidityState {
    /// As bought.
    Valid,
    /// Its validity is over; the program still runs for some days.
    Grace,
    /// Valid; newer releases are no longer covered.
    MaintenanceOver,
}

/// A license that passed every check: data, never a bare yes.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What was signed.
    pub claims: License,
    /// What was signed, unknown members included.
    pub payload: Map<String, Value>,
    /// The key that signed.
    pub kid: KeyId,
    /// The document itself.
    pub document: String,
    /// The part of its life.
    pub state: ValidityState,
    /// What the user should know.
    pub warnings: Vec<Warning>,
    /// Whole days until the validity ends; absent: perpetual.
    pub days_left: Option<i64>,
    /// How the machine compared.
    pub binding: Option<MatchReport>,
}

impl Verified {
    /// The answer as one JSON object, as `licctl --json` and the SDK print it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "code": Code::Ok,
            "claims": self.payload,
            "state": self.state,
            "warnings": self.warnings,
            "kid": self.kid,
        });
        if let Some(days) = self.days_left {
            json["days_left"] = json!(days);
        }
        if let Some(report) = &self.binding {
            json["binding"] = json!(report);
        }
        json
    }
}

/// Verifies a license string or file. Of several licenses in a file the first valid one answers.
///
/// # Errors
/// The first check that fails; of several licenses the first one's.
///
/// # Examples
/// ```
/// use license_core::{Timestamp, trust::KeyRing, verify::{self, VerifyContext}};
///
/// # let jwks = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// let keys = KeyRing::from_jwks(jwks)?;
/// let question = VerifyContext { product: Some("flowsim"), ..VerifyContext::at(Timestamp::from_secs(1_800_000_000)) };
/// let refusal = verify::license(b"no license", &keys, &question).unwrap_err();
/// assert_eq!(refusal.code().as_str(), "LICENSE_MALFORMED");
/// # Ok::<(), license_core::trust::TrustError>(())
/// ```
pub fn license(
    text: &[u8],
    keys: &KeyRing,
    question: &VerifyContext<'_>,
) -> Result<Verified, Refusal> {
    let mut first = None;
    for block in armor::read(text)?.into_iter().filter(|block| block.label == Label::License) {
        match document(block.document, keys, question) {
            Ok(verified) => return Ok(verified),
            Err(refusal) => first = first.or(Some(refusal)),
        }
    }
    Err(first.unwrap_or(Refusal::Malformed("no license in the text")))
}

fn document(
    document: String,
    keys: &KeyRing,
    question: &VerifyContext<'_>,
) -> Result<Verified, Refusal> {
    let opened = keys.open(DocType::License, &document, question.now)?;
    let claims = License::from_payload(&opened.payload)?;
    let mut warnings = opened.warnings;

    warnings.extend(not_stopped(&claims, question)?);
    covers(&claims, question)?;
    let state = in_force(&claims, question)?;
    if state == ValidityState::Grace {
        warnings.push(Warning::InGrace);
    }
    if let Some(floor) = question.floor
        && question.now < floor.plus(-CLOCK_TOLERANCE)
    {
        return Err(Refusal::ClockRolledBack { floor, now: question.now });
    }
    let binding = on_this_machine(&claims, question, &mut warnings)?;

    warnings.dedup();
    let days_left = claims.expires.map(|at| (at.as_secs() - question.now.as_secs()).max(0) / DAY);
    Ok(Verified {
        claims,
        payload: opened.payload,
        kid: opened.kid,
        document,
        state,
        warnings,
        days_left,
        binding,
    })
}

fn not_stopped(claims: &License, question: &VerifyContext<'_>) -> Result<Option<Warning>, Refusal> {
    let mut suspended = false;
    for list in question.revocations {
        match list.status_of(&claims.id) {
            Some(RevocationStatus::Revoked) => return Err(Refusal::Revoked),
            Some(RevocationStatus::Suspended) => suspended = true,
            None => {}
        }
    }
    if suspended {
        return Err(Refusal::Suspended);
    }
    let aged = question.revocations.iter().any(|list| question.now > list.expires);
    Ok(aged.then_some(Warning::ListExpired))
}

fn covers(claims: &License, question: &VerifyContext<'_>) -> Result<(), Refusal> {
    if let Some(asked) = question.product
        && asked != claims.product
    {
        return Err(Refusal::ProductMismatch {
            licensed: claims.product.clone(),
            asked: asked.to_owned(),
        });
    }
    if let (Some(range), Some(version)) = (&claims.versions, question.version)
        && !range.covers(version)
    {
        return Err(Refusal::VersionNotCovered {
            range: range.to_string(),
            version: version.to_string(),
        });
    }
    if let (Some(until), Some(released)) = (claims.maintenance_until, question.release_date)
        && released > until
    {
        return Err(Refusal::MaintenanceOver { until, released });
    }
    Ok(())
}

fn in_force(claims: &License, question: &VerifyContext<'_>) -> Result<ValidityState, Refusal> {
    let now = question.now;
    if let Some(from) = claims.not_before
        && now < from
    {
        return Err(Refusal::NotYetValid { from, now });
    }
    if let Some(at) = claims.expires
        && now >= at
    {
        if now >= at.plus(claims.grace_secs) {
            return Err(Refusal::Expired { at, now });
        }
        return Ok(ValidityState::Grace);
    }
    let over = claims.maintenance_until.is_some_and(|until| now > until);
    Ok(if over { ValidityState::MaintenanceOver } else { ValidityState::Valid })
}

fn on_this_machine(
    claims: &License,
    question: &VerifyContext<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<MatchReport>, Refusal> {
    let Some(binding) = &claims.binding else { return Ok(None) };
    if binding.weak() {
        warnings.push(Warning::BindingWeak);
    }
    let Some(text) = question.device else {
        warnings.push(Warning::BindingNotChecked);
        return Ok(None);
    };
    let report = binding.compare(&DeviceInfo::parse(text)?);
    if report.matches() { Ok(Some(report)) } else { Err(Refusal::MachineMismatch(report)) }
}
