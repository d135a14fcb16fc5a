//! Usage reports for metered entitlements, with the license as the proof.

use license_core::{
    Code, Timestamp,
    api::{UsageAnswer, UsageRecord, UsageReport},
};
use serde_json::Value;

use super::{Engine, licenses::receipt_of};
use crate::{error::SdkError, usage::Used};

impl Engine {
    /// Asks the server to count it; only its signed receipt says that it did.
    ///
    /// # Errors
    /// The server's refusal, or why its answer was refused: then the same may be sent again.
    pub(crate) fn report(&self, used: &[Used]) -> Result<UsageAnswer, SdkError> {
        let transport = self.transport()?;
        let license =
            self.license_in_force().ok_or_else(|| SdkError::of(Code::LicenseMissing))?.document;
        if self.cache().lacks_trust_list() {
            self.fetch_trust(&transport)?;
        }
        let nonce = self.nonce()?;
        let records = used.iter().map(record).collect();
        let report = UsageReport { license, nonce: nonce.clone(), records };
        let body = serde_json::to_string(&report)
            .map_err(|error| SdkError::with(Code::RequestInvalid, error))?;
        let answer = transport.usage(&body)?;
        let genuine = || {
            let now = (self.platform.now)();
            receipt_of(&self.cache(), &answer.receipt, &nonce, [&*body].into_iter(), now)
        };
        match genuine() {
            // The server may sign with a key that a newer trust list introduces.
            Err(SdkError { code: Code::KeyUnknown, .. }) if self.cache().rooted() => {
                self.fetch_trust(&transport)?;
                genuine()?
            }
            proven => proven?,
        };
        Ok(answer)
    }
}

fn record(used: &Used) -> UsageRecord {
    UsageRecord {
        number: used.number.clone(),
        entitlement: used.entitlement.clone(),
        usage_value: Value::from(used.value.as_str()),
        begin_time: Timestamp::from_secs(used.begin),
        end_time: Timestamp::from_secs(used.end),
    }
}
