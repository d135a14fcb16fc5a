//! The requests: the marketplace's signed calls, and what programs and operators ask.

use std::net::SocketAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use koogallery::time::spaced;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::clock;

/// The access key of the basic interface.
pub(crate) const KEY: &str = "basic-interface-key-of-the-bench";

/// Signs calls as the marketplace does: over the raw bytes, with a nonce of its own each.
pub(crate) struct Signer {
    keyed: Hmac<Sha256>,
    host: String,
    nonces: u64,
    /// Added to the time of signing: what is made in stock is sent later.
    pub(crate) ahead_ms: i64,
}

impl Signer {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let keyed = Hmac::<Sha256>::new_from_slice(KEY.as_bytes())
            .expect("HMAC takes keys of every length");
        // Nonces of one run must not come again in the next one on the same data.
        let nonces = u64::try_from(clock::now_ms()).unwrap_or_default() << 20;
        Self { keyed, host: address.to_string(), nonces, ahead_ms: 0 }
    }

    /// Writes a whole request for this body.
    pub(crate) fn call(&mut self, body: &str, request: &mut Vec<u8>) {
        let nonce = format!("{:064x}", mix(self.nonces));
        self.nonces += 1;
        let timestamp = (clock::now_ms() + self.ahead_ms).to_string();
        let mac = |parts: &[&[u8]]| {
            let mut mac = self.keyed.clone();
            for part in parts {
                mac.update(part);
            }
            mac.finalize().into_bytes()
        };
        let digest = hex::encode(mac(&[body.as_bytes()]));
        let parts = [KEY, &nonce, &timestamp, &digest].map(str::as_bytes);
        let signature = hex::encode_upper(mac(&parts));
        let path = format!("/koogallery?signature={signature}&timestamp={timestamp}&nonce={nonce}");
        post(&self.host, &path, body, request);
    }
}

/// A number that looks like chance, the same for the same seed (splitmix64's last step).
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An id like the marketplace's, in no order.
pub(crate) fn id(kind: u64, number: u64) -> String {
    let high = mix(number ^ kind.rotate_left(32));
    let low = mix(high ^ number);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// The n-th machine: nothing in common with another one but the processor's model.
pub(crate) fn machine(number: u64) -> String {
    let [.., a, b, c, d] = number.to_be_bytes();
    format!(
        "04:7C:{a:02X}:{b:02X}:{c:02X}:{d:02X}|WD-WX{:012X}|PF{number:08}TT|BFEBFBFF00090672",
        mix(number) >> 16
    )
}

/// `newInstance` for the order's first line.
pub(crate) fn new_instance(order: &str, business: &str) -> String {
    json!({
        "activity": "newInstance",
        "businessId": business,
        "orderId": order,
        "orderLineId": format!("{order}-000001"),
        "testFlag": "0",
    })
    .to_string()
}

/// `getLicenseAsync` for a year.
pub(crate) fn apply(instance: &str, event: &str, machine: &str, now: i64) -> String {
    let (effective, expires) = (spaced(now - 60), spaced(now + 365 * 86_400));
    format!(
        r#"{{"activity":"getLicenseAsync","eventId":"{event}","instanceId":"{instance}","effectiveTime":"{effective}","expireTime":"{expires}","deviceFingerprint":"{machine}"}}"#
    )
}

/// `queryInstance`.
pub(crate) fn query_instance(instance: &str) -> String {
    format!(r#"{{"activity":"queryInstance","instanceId":"{instance}","testFlag":"0"}}"#)
}

/// A program's question for its license.
pub(crate) fn ask(code: &str, machine: &str, nonce: u64) -> String {
    json!({
        "product": "flowsim",
        "activation_code": code,
        "dev_info": machine,
        "form": "string",
        "version": "2.0.0",
        "nonce": format!("{:032x}", mix(nonce)),
    })
    .to_string()
}

/// The product that is sold.
pub(crate) fn product() -> Value {
    json!({
        "id": "flowsim",
        "name": "FlowSim 流体仿真",
        "koogallery": [{ "product_id": "OFFI846204237451911168", "sku_code": "sku-of-the-bench" }],
        "license": {
            "kind": "node-locked",
            "machines": "order",
            "form": "string",
            "entitlements": { "mesh": true, "solver-cores": 64 },
            "grace_days": 7,
            "maintenance_days": 365
        }
    })
}

/// Writes a `POST` of a JSON body.
pub(crate) fn post(host: &str, path: &str, body: &str, request: &mut Vec<u8>) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json;charset=utf8\r\n\
         accept: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    request.extend_from_slice(head.as_bytes());
    request.extend_from_slice(body.as_bytes());
}

/// Writes a `GET`, with a token where one is needed.
pub(crate) fn get(host: &str, path: &str, token: Option<&str>, request: &mut Vec<u8>) {
    let head = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: application/json\r\n");
    request.extend_from_slice(head.as_bytes());
    if let Some(token) = token {
        request.extend_from_slice(format!("authorization: Bearer {token}\r\n").as_bytes());
    }
    request.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use koogallery::{AccessKey, Body, Presented, signature};

    use super::*;

    #[test]
    fn a_call_verifies_as_the_marketplace_s() {
        let mut signer = Signer::new("127.0.0.1:1".parse().unwrap());
        let body = apply("i-1", "e-1", &machine(7), clock::now());
        let mut request = Vec::new();
        signer.call(&body, &mut request);
        let text = String::from_utf8(request).unwrap();
        let query = text.split_once('?').unwrap().1.split_once(' ').unwrap().0;
        let parsed = Body::parse(body.as_bytes()).unwrap();
        let keys = [AccessKey::new(KEY).unwrap()];
        let presented = Presented::from_query(query);
        let now = clock::now_ms();
        signature::verify(&presented, body.as_bytes(), &parsed, &keys, now, 60_000).unwrap();
        assert!(text.ends_with(&body));
    }

    #[test]
    fn no_id_and_no_machine_comes_twice() {
        let ids: HashSet<_> = (0..50_000).map(|n| id(1, n)).collect();
        let others: HashSet<_> = (0..50_000).map(|n| id(2, n)).collect();
        let machines: HashSet<_> = (0..50_000).map(machine).collect();
        assert_eq!((ids.len(), others.len(), machines.len()), (50_000, 50_000, 50_000));
        assert!(ids.is_disjoint(&others) && ids.iter().all(|id| id.len() == 36));
    }
}
