//! The calls of the joint-operation kit, signed as either edition signs them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::call::hmac;
use crate::http::{self, Reply};
use crate::{KIT_KEY, server::Server, time};

/// One call to one of the kit's paths.
#[derive(Clone, Debug)]
pub struct KitCall {
    path: String,
    body: Vec<u8>,
    key: String,
}

impl KitCall {
    /// To `tenantSync`, `v2/tenantSync`, …, with the kit's key.
    #[must_use]
    pub fn to(path: &str, body: &Value) -> Self {
        Self { path: path.to_owned(), body: body.to_string().into(), key: KIT_KEY.to_owned() }
    }

    /// With another key.
    #[must_use]
    pub fn signed(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    /// Sends it; the answer must come with status 200 and the marketplace's own JSON.
    #[must_use]
    pub fn send(&self, server: &Server) -> Value {
        let reply = self.reply(server);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    fn reply(&self, server: &Server) -> Reply {
        let url = format!("{}/koogallery/produceAPI/{}", server.listen, self.path);
        let kind = ("content-type", "application/json;charset=utf8");
        if !self.path.starts_with("v2/") {
            let token = self.token();
            return http::post_with(&url, &[kind, ("authToken", &token)], &self.body);
        }
        let (timestamp, nonce) = (time::now_ms().to_string(), time::unique());
        let text = [self.key.as_bytes(), nonce.as_bytes(), timestamp.as_bytes(), &self.body];
        let sign = hex::encode(hmac(self.key.as_bytes(), &text.concat()));
        let headers =
            [kind, ("x-sign", &*sign), ("x-timestamp", &*timestamp), ("x-nonce", &*nonce)];
        http::post_with(&url, &headers, &self.body)
    }

    /// The header of the first edition: every member that is not blank, in order.
    fn token(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        let mut members: Vec<(String, String)> = Vec::new();
        for (name, value) in body.as_object().into_iter().flatten() {
            let text = match value {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if !text.is_empty() {
                members.push((name.clone(), text));
            }
        }
        members.sort();
        let stamp = body["timeStamp"].as_str().unwrap_or_default();
        let text: Vec<_> = members.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let key = format!("{}{stamp}", self.key);
        STANDARD.encode(hmac(key.as_bytes(), text.join("&").as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of the description of the marketplace's interfaces.
    #[test]
    fn the_vector_of_the_second_edition() {
        let nonce = "50D83FDECAED6CCD8EF597F2A577950527928BA287D04E6036E92B2806FD17DA";
        let payload =
            r#"{"appId":"app1","instanceId":"i-1","orderId":"CS1","tenantId":"t1","testFlag":1}"#;
        let text = format!("demo-access-key{nonce}1680508066618{payload}");
        assert_eq!(
            hex::encode(hmac(b"demo-access-key", text.as_bytes())),
            "c8a04b85f5bec999f3252415a7e4bfc110aa10601b2dcdd57cb4c35f0b68ea84"
        );
    }
}
