//! The fake seller's V1 interfaces.

use koogallery::v1::{self, V1Call};
use koogallery::{Answer, Rejection, ResultCode};

use super::{Desk, Fault, now_ms};

impl Desk {
    /// The answer and its `Body-Sign`.
    pub(super) fn old(&self, query: &str) -> (Vec<u8>, Option<String>) {
        let answer = self.judge_old(query).unwrap_or_else(Answer::from).to_json();
        let signature = v1::body_sign(&self.keys.basic, &answer);
        (answer, (self.fault != Some(Fault::NoBodySign)).then_some(signature))
    }

    fn judge_old(&self, query: &str) -> Result<Answer, Rejection> {
        let query = v1::parse(query)?;
        v1::verify(&query, &self.accepted(&self.keys.basic), now_ms(), 60_000)?;
        let instance = |order: &str| format!("I-{order}");
        let known = |instance: &str| {
            let known = instance.starts_with("I-");
            Answer::of(if known { ResultCode::Success } else { ResultCode::InstanceUnknown })
        };
        Ok(match V1Call::read(&query)? {
            V1Call::NewInstance(call) => Answer::instance(instance(&call.order_id)),
            V1Call::GetLicense(call) => {
                let mut seen = self.seen.lock().unwrap();
                seen.created += 1;
                let other = self.fault == Some(Fault::AnotherLicense);
                let license = format!("license {}", if other { seen.created } else { 0 });
                Answer { license: Some(license), ..Answer::instance(instance(&call.order_id)) }
            }
            V1Call::QueryInstance(call, ..) => super::shown(call.instance_ids),
            V1Call::RefreshInstance(call) | V1Call::RefreshLicense(call) => {
                known(&call.instance_id)
            }
            V1Call::ExpireInstance(call) | V1Call::ExpireLicense(call) => known(&call.instance_id),
            V1Call::ReleaseInstance(call) | V1Call::ReleaseLicense(call) => {
                known(&call.instance_id)
            }
            V1Call::Upgrade(call) => known(&call.instance_id),
            V1Call::InstanceStatus(call) => known(&call.instance_id),
        })
    }
}
