//! The marketplace's first-edition calls: queries, signed by `authToken`, and the signature of
//! what comes back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::call::hmac;
use crate::http::{self, Reply};
use crate::{KEY, MARKET_PRODUCT, MARKET_SKU, server::Server, time};

/// A call's parameters, and how it is signed where that is not "with the right key, now".
#[derive(Clone, Debug)]
pub struct Query {
    parameters: Vec<(String, String)>,
    signed: Option<(String, i64)>,
}

impl Query {
    /// `newInstance` or `getLicense` of flowsim.
    #[must_use]
    pub fn buy(activity: &str, order: &str) -> Self {
        let query = Self { parameters: Vec::new(), signed: None };
        query
            .with("activity", activity)
            .with("orderId", order)
            .with("businessId", &time::unique())
            .with("customerId", "68cbc86abc2018ab880d92f36422fa0e")
            .with("customerName", "示例工业软件")
            .with("productId", MARKET_PRODUCT)
            .with("skuCode", MARKET_SKU)
    }

    /// Any other activity.
    #[must_use]
    pub fn on(activity: &str, instance: &str) -> Self {
        let query = Self { parameters: Vec::new(), signed: None };
        query.with("activity", activity).with("instanceId", instance)
    }

    /// Which one it is.
    #[must_use]
    pub fn activity(&self) -> &str {
        let named = self.parameters.iter().find(|(name, _)| name == "activity");
        named.map_or("", |(_, activity)| activity)
    }

    /// With one parameter more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With one parameter less.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(known, _)| known != name);
        self
    }

    /// Signed with another key or at another time, the same at each sending.
    #[must_use]
    pub fn signed(mut self, key: &str, timestamp_ms: i64) -> Self {
        self.signed = Some((key.to_owned(), timestamp_ms));
        self
    }

    /// Sends it.
    #[must_use]
    pub fn reply(&self, server: &Server) -> Reply {
        let (key, at) = self.signed.clone().unwrap_or_else(|| (KEY.to_owned(), time::now_ms()));
        let stamp = format!("{}{:03}", time::digits(at.div_euclid(1000)), at.rem_euclid(1000));
        let mut all = self.parameters.clone();
        all.push(("timeStamp".to_owned(), stamp.clone()));
        all.sort();
        let text: Vec<_> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let tag = hmac(format!("{key}{stamp}").as_bytes(), text.join("&").as_bytes());
        all.push(("authToken".to_owned(), STANDARD.encode(tag)));
        let encoded: Vec<_> = all
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        http::get(&format!("{}/koogallery?{}", server.listen, encoded.join("&")), None)
    }

    /// Sends it; the answer must come with status 200, signed.
    #[must_use]
    pub fn send(&self, server: &Server) -> Value {
        let reply = self.reply(server);
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(body_is_signed(&reply, KEY), "{:?}", reply.headers);
        reply.json()
    }
}

/// Whether the answer's `Body-Sign` is this key's, spelled as the guide prints it.
#[must_use]
pub fn body_is_signed(reply: &Reply, key: &str) -> bool {
    let signature = STANDARD.encode(hmac(key.as_bytes(), &reply.body));
    let expected = format!("sign_type=\"HMAC-SHA256\", signature=\"{signature}\"");
    reply.header("body-sign") == Some(&expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors printed in the description of the marketplace's interfaces.
    #[test]
    fn the_printed_vectors() {
        let tag = hmac(b"demo-key201706211855321", b"p1=1&p2=2&p3=3&timeStamp=201706211855321");
        assert_eq!(STANDARD.encode(tag), "Tg8aeAQA1mdv6q+juSeHiHy1qnOBDq0SykBjZxIgESc=");
        let body = br#"{"resultCode":"000000","resultMsg":"success."}"#.to_vec();
        let value =
            "sign_type=\"HMAC-SHA256\", signature=\"6STdxMJ88oxoQNgz4X5azo1fqs+L2AhMbWLH3NA4Mtc=\"";
        let headers = vec![("body-sign".to_owned(), value.to_owned())];
        assert!(body_is_signed(&Reply { status: 200, headers, body }, "demo-key"));
    }
}
