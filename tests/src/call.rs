//! The marketplace's calls: their bodies, signed as it signs them.

use serde_json::{Value, json};

use crate::KEY;
use crate::http::{self, Reply};
use crate::time;

/// A body with the query that signs it; sending it twice is a byte-identical repeat.
#[derive(Clone, Debug)]
pub struct Call {
    /// `signature=…&timestamp=…&nonce=…`
    pub query: String,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

impl Call {
    /// Signs these bytes with the basic interface's key, now.
    #[must_use]
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self::signed(body, KEY, time::now_ms())
    }

    /// Signs these bytes with another key or at another time.
    #[must_use]
    pub fn signed(body: impl Into<Vec<u8>>, key: &str, timestamp_ms: i64) -> Self {
        let body = body.into();
        let query = query(key, &body, &timestamp_ms.to_string());
        Self { query, body }
    }

    /// Sends it.
    ///
    /// # Errors
    ///
    /// When the server goes away before it has answered.
    pub fn try_send(&self, url: &str) -> Result<Reply, String> {
        let url = format!("{url}/koogallery?{}", self.query);
        http::try_post(&url, "application/json;charset=utf8", None, &self.body)
    }

    /// Sends it to the server that listens there; the answer must come with status 200 and the marketplace's own JSON.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[must_use]
    pub fn send(&self, listen: impl AsRef<str>) -> Value {
        let reply = self.try_send(listen.as_ref()).expect("an answer");
        assert_eq!(reply.status, 200, "{}", reply.text());
        let answer = reply.json();
        assert!(answer["resultCode"].is_string(), "{answer}");
        answer
    }
}

/// The query for a body that is signed by the raw bytes with this key.
///
/// # Panics
///
/// When the key is too short to be one.
#[must_use]
pub fn query(key: &str, body: &[u8], timestamp: &str) -> String {
    let nonce = time::unique();
    let signature = signature(key, body, &nonce, timestamp);
    format!("signature={signature}&timestamp={timestamp}&nonce={nonce}")
}

/// Section 3.1's formula over a payload as it is.
#[must_use]
pub fn signature(key: &str, payload: &[u8], nonce: &str, timestamp: &str) -> String {
    let digest = hex::encode(hmac(key.as_bytes(), payload));
    let request = format!("{key}{nonce}{timestamp}{digest}");
    hex::encode_upper(hmac(key.as_bytes(), request.as_bytes()))
}

/// RFC 2104, written out: the suite must not share the code it tests.
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::digest([&block.map(|b| b ^ 0x36)[..], message].concat());
    Sha256::digest([&block.map(|b| b ^ 0x5c)[..], &inner[..]].concat()).into()
}

/// `newInstance` for the order's first line.
#[must_use]
pub fn new_instance(order: &str) -> Value {
    json!({
        "activity": "newInstance",
        "businessId": time::unique(),
        "orderId": order,
        "orderLineId": format!("{order}-000001"),
    })
}

/// `getLicenseAsync` for a year from now.
#[must_use]
pub fn apply(instance: &str, event: &str, fingerprint: &str) -> Value {
    json!({
        "activity": "getLicenseAsync",
        "instanceId": instance,
        "eventId": event,
        "effectiveTime": time::spaced(time::now() - 60),
        "expireTime": time::spaced(time::now() + 365 * 86_400),
        "deviceFingerprint": fingerprint,
    })
}

/// `refreshInstance` to this expiry.
#[must_use]
pub fn refresh(instance: &str, scene: &str, order: &str, expires: i64) -> Value {
    json!({
        "activity": "refreshInstance",
        "scene": scene,
        "orderId": order,
        "orderLineId": format!("{order}-000001"),
        "instanceId": instance,
        "expireTime": time::digits(expires),
    })
}

/// `updateInstanceStatus`.
#[must_use]
pub fn status(instance: &str, status: &str) -> Value {
    json!({ "activity": "updateInstanceStatus", "instanceId": instance, "status": status })
}

/// `releaseInstance`.
#[must_use]
pub fn release(instance: &str) -> Value {
    json!({ "activity": "releaseInstance", "instanceId": instance })
}

/// `upgradeInstance`.
#[must_use]
pub fn upgrade(instance: &str, order: &str) -> Value {
    json!({
        "activity": "upgradeInstance",
        "instanceId": instance,
        "orderId": order,
        "orderLineId": format!("{order}-000001"),
    })
}

/// `changeInstanceCheck`.
#[must_use]
pub fn check_change(instance: &str, product: &Value) -> Value {
    json!({ "activity": "changeInstanceCheck", "instanceId": instance, "productInfo": product })
}

/// `refreshLicenseCode` to this expiry.
#[must_use]
pub fn refresh_code(code: &str, expires: i64) -> Value {
    json!({
        "activity": "refreshLicenseCode",
        "scene": "RENEWAL",
        "orderId": "CS-RENEWAL",
        "orderLineId": "CS-RENEWAL-000001",
        "license": code,
        "expireTime": time::digits(expires),
    })
}

/// `updateLicenseCodeStatus`.
#[must_use]
pub fn code_status(code: &str, status: &str) -> Value {
    json!({ "activity": "updateLicenseCodeStatus", "license": code, "status": status })
}

/// `releaseLicenseCode`.
#[must_use]
pub fn release_code(code: &str) -> Value {
    json!({ "activity": "releaseLicenseCode", "license": code })
}

/// `orderNotify`.
#[must_use]
pub fn notify(order: &str) -> Value {
    json!({
        "activity": "orderNotify",
        "orderId": order,
        "orderLineId": format!("{order}-000001"),
        "testFlag": "0",
    })
}

/// `queryInstance`.
#[must_use]
pub fn query_instance(instances: &str) -> Value {
    json!({ "activity": "queryInstance", "instanceId": instances })
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// The vector printed in the description of the marketplace's interfaces.
    #[test]
    fn the_printed_vector() {
        let payload = concat!(
            r#"{"activity":"newInstance","businessId":"87b94795-0603-4e24-8ae5-69420d60e3c8","#,
            r#""orderId":"CS2211181819B4LVS","orderLineId":"CS2211181819B4LVS-000001","testFlag":"1"}"#
        );
        let nonce = "50D83FDECAED6CCD8EF597F2A577950527928BA287D04E6036E92B2806FD17DA";
        assert_eq!(
            signature("demo-access-key", payload.as_bytes(), nonce, "1680508066618"),
            "242FEA63FA8EBF7624AE1F4CFCB663D1758BA57EA74D09167D9F5A574BD782AD"
        );
    }
}
