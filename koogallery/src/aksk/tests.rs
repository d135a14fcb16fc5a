//! The public vector, and every part of a request changed.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_710_686_557;
const PATH: &str = "/api/mkp-openapi-public/global/v1/license/activate";
const HOST: &str = "mkt.myhuaweicloud.com";

fn credentials() -> Credentials {
    Credentials::new("test", "123")
}

/// A request as it arrives, owned so that each part can be changed.
#[derive(Clone)]
struct Sent {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn sent(request: &Request<'_>, body: &[u8]) -> Sent {
    let mut headers = vec![("Host".to_owned(), request.host.to_owned())];
    headers.extend(request.headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    headers.extend(
        authorize(&credentials(), request, NOW).into_iter().map(|(n, v)| (n.to_owned(), v)),
    );
    Sent {
        method: request.method.to_owned(),
        target: request.target.to_owned(),
        headers,
        body: body.to_vec(),
    }
}

impl Sent {
    fn verify_at(&self, now: i64) -> Result<(), InvalidSignature> {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let received = Received {
            method: &self.method,
            target: &self.target,
            headers: &headers,
            body: &self.body,
        };
        verify(&credentials(), &received, now, 900)
    }

    fn verify(&self) -> Result<(), InvalidSignature> {
        self.verify_at(NOW)
    }

    fn set(&self, name: &str, value: Option<&str>) -> Self {
        let mut changed = self.clone();
        changed.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        if let Some(value) = value {
            changed.headers.push((name.to_owned(), value.to_owned()));
        }
        changed
    }

    fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap().1
    }
}

fn upload() -> Sent {
    let body = b"--b\r\n";
    let request = Request {
        method: "POST",
        target: "/api/x/%E4%B8%AD%20%2F?b=2&a=1&a=%20%2B",
        host: "127.0.0.1:9000",
        headers: &[("Content-Type", "multipart/form-data; boundary=b")],
        payload: Payload::Bytes(body),
    };
    sent(&request, body)
}

#[test]
fn the_public_vector_is_made_and_accepted() {
    let request = Request {
        method: "POST",
        target: PATH,
        host: HOST,
        headers: &[("x-stage", "RELEASE"), ("Content-Type", "application/json")],
        payload: Payload::Bytes(b""),
    };
    let added = authorize(&credentials(), &request, NOW);
    assert_eq!(
        added,
        [
            ("X-Sdk-Date", "20240317T144237Z".to_owned()),
            (
                "Authorization",
                "SDK-HMAC-SHA256 Access=test, SignedHeaders=content-type;host;x-sdk-date;x-stage, \
                 Signature=77595ad624b6e4e49990b8c4e84bf1c287457fca61069c4e60b9b6765b52053d"
                    .to_owned()
            ),
        ]
    );
    assert_eq!(sent(&request, b"").verify(), Ok(()));
}

#[test]
fn paths_and_queries_are_spelled_in_one_way() {
    for (path, canonical) in [
        ("", "/"),
        ("/", "/"),
        ("/a", "/a/"),
        ("/a/", "/a/"),
        ("/a%2fb/~-_.", "/a%2Fb/~-_./"),
        ("/a b/中", "/a%20b/%E4%B8%AD/"),
        ("/%zz/%ff", "/%25zz/%FF/"),
    ] {
        assert_eq!(canonical_path(path), canonical);
    }
    for (query, canonical) in [
        ("", ""),
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=1", "a=1&a=2"),
        ("a=x+y&b=%2b&c", "a=x%20y&b=%2B&c="),
        ("orderId=CS1&orderLineId=CS1-000001", "orderId=CS1&orderLineId=CS1-000001"),
    ] {
        assert_eq!(canonical_query(query), canonical);
    }
}

#[test]
fn a_changed_request_is_refused() {
    let good = upload();
    assert_eq!(good.verify(), Ok(()));
    assert_eq!(
        good.header("authorization").matches("SignedHeaders=content-type;host;x-sdk-date,").count(),
        1
    );

    let mut method = good.clone();
    method.method = "PUT".into();
    let mut target = good.clone();
    target.target.push_str("&c=3");
    let mut body = good.clone();
    body.body.push(0);
    let changed_date = good.set("X-Sdk-Date", Some("20240317T144238Z"));
    let host = good.set("Host", Some("127.0.0.1:9001"));
    let kind = good.set("Content-Type", Some("application/json"));
    for changed in [method, target, body, changed_date, host, kind] {
        assert_eq!(changed.verify(), Err(InvalidSignature::Signature));
    }
    // What was not signed may be added on the way.
    assert_eq!(good.set("User-Agent", Some("proxy")).verify(), Ok(()));
    // The same request, spelled otherwise.
    let mut spelled = good;
    spelled.target = "/api/x/%e4%b8%ad%20%2f/?a=+%2b&b=2&a=1".into();
    assert_eq!(spelled.verify(), Ok(()));
}

#[test]
fn each_reason_has_its_refusal() {
    let good = upload();
    let authorization = good.header("Authorization").to_owned();
    let replaced = |from: &str, to: &str| {
        assert!(authorization.contains(from));
        good.set("Authorization", Some(&authorization.replace(from, to))).verify()
    };

    assert_eq!(good.set("Authorization", None).verify(), Err(InvalidSignature::Unauthorized));
    assert_eq!(good.set("Authorization", Some("")).verify(), Err(InvalidSignature::Unauthorized));
    assert_eq!(
        good.set("Authorization", Some("Bearer x")).verify(),
        Err(InvalidSignature::Unauthorized)
    );
    assert_eq!(
        replaced("SDK-HMAC-SHA256 ", "SDK-HMAC-SHA512 "),
        Err(InvalidSignature::Unauthorized)
    );
    assert_eq!(replaced("Access=", "Acess="), Err(InvalidSignature::Unauthorized));
    assert_eq!(replaced("Signature=", "Sig="), Err(InvalidSignature::Unauthorized));
    assert_eq!(good.set("X-Sdk-Date", None).verify(), Err(InvalidSignature::Date));
    assert_eq!(good.set("X-Sdk-Date", Some("2024-03-17")).verify(), Err(InvalidSignature::Date));
    assert_eq!(good.verify_at(NOW + 900), Ok(()));
    assert_eq!(good.verify_at(NOW + 901), Err(InvalidSignature::Stale));
    assert_eq!(good.verify_at(NOW - 901), Err(InvalidSignature::Stale));
    assert_eq!(good.verify_at(i64::MIN), Err(InvalidSignature::Stale));
    assert_eq!(replaced("Access=test", "Access=tess"), Err(InvalidSignature::UnknownKey));
    assert_eq!(replaced("host;", ""), Err(InvalidSignature::NotSigned("host")));
    assert_eq!(replaced(";x-sdk-date", ""), Err(InvalidSignature::NotSigned(DATE)));
    assert_eq!(replaced("content-type;", ""), Err(InvalidSignature::Signature));
    assert_eq!(
        good.set("Content-Type", None).verify(),
        Err(InvalidSignature::NotSent("content-type".into()))
    );
    assert_eq!(good.set(CONTENT_HASH, Some("00")).verify(), Err(InvalidSignature::Body));
    assert_eq!(replaced("Signature=", "Signature=0"), Err(InvalidSignature::Signature));

    let other = Credentials::new("test", "124");
    let headers: Vec<_> = good.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let received = Received {
        method: &good.method,
        target: &good.target,
        headers: &headers,
        body: &good.body,
    };
    assert_eq!(verify(&other, &received, NOW, 900), Err(InvalidSignature::Signature));
}

#[test]
fn an_unsigned_body_is_declared_and_the_declaration_is_signed() {
    let request = Request {
        method: "POST",
        target: "/x",
        host: HOST,
        headers: &[],
        payload: Payload::Unsigned,
    };
    let good = sent(&request, b"anything");
    assert_eq!(good.header(CONTENT_HASH), UNSIGNED);
    assert!(
        good.header("Authorization")
            .contains("SignedHeaders=host;x-sdk-content-sha256;x-sdk-date,")
    );
    assert_eq!(good.verify(), Ok(()));
    let mut other = good.clone();
    other.body = b"else".to_vec();
    assert_eq!(other.verify(), Ok(()));
    assert_eq!(
        good.set(CONTENT_HASH, None).verify(),
        Err(InvalidSignature::NotSent(CONTENT_HASH.into()))
    );
    let hash = sha256_hex(b"anything");
    assert_eq!(good.set(CONTENT_HASH, Some(&hash)).verify(), Err(InvalidSignature::Signature));
}

#[test]
fn an_undeclared_unsigned_body_cannot_be_smuggled_in() {
    // The header added on the way changes the hash that enters the signature.
    let good = upload();
    assert_eq!(good.set(CONTENT_HASH, Some(UNSIGNED)).verify(), Err(InvalidSignature::Signature));
}

#[test]
fn the_secret_is_never_shown() {
    let shown = format!("{:?}", Credentials::new("AKVALUE", "SKVALUE"));
    assert!(shown.contains("AKVALUE") && !shown.contains("SKVALUE"), "{shown}");
}

proptest! {
    #[test]
    fn what_is_signed_verifies(
        segments in prop::collection::vec("[ -~中é]{0,8}", 0..4),
        pairs in prop::collection::vec(("\\PC{0,6}", "\\PC{0,6}"), 0..4),
        body: Vec<u8>,
    ) {
        let segments = segments.iter().map(|s| percent_encode(s.as_bytes(), RESERVED).to_string());
        let path = format!("/{}", segments.collect::<Vec<_>>().join("/"));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&pairs);
        let target = format!("{path}?{}", query.finish());
        let request = Request {
            method: "POST",
            target: &target,
            host: HOST,
            headers: &[("Content-Type", "  text/plain ")],
            payload: Payload::Bytes(&body),
        };
        prop_assert_eq!(sent(&request, &body).verify(), Ok(()));
    }

    #[test]
    fn no_header_makes_it_panic(authorization in "\\PC{0,60}", date in "\\PC{0,20}", rest in "[A-Za-z=,; ]{0,60}") {
        let good = upload();
        prop_assert!(good.set("Authorization", Some(&authorization)).verify().is_err());
        let fields = format!("{ALGORITHM} {rest}");
        prop_assert!(good.set("Authorization", Some(&fields)).verify().is_err());
        prop_assert!(good.set("X-Sdk-Date", Some(&date)).verify().is_err());
    }
}
