//! What an endpoint must refuse, and with which code.

use ureq::http::Method;

use super::expectation::Rule;
use super::suite::{Conformance, MAX_BODY_LEN};
use crate::endpoint::{Endpoint, EndpointError, Endpoints, SignedRequest};
use crate::message::Message;

pub(super) const AUTHENTICATION: &[&str] = &["000001"];
const PARAMETER: &[&str] = &["000002"];
pub(super) const UNKNOWN: &[&str] = &["000003"];
/// Twice the window of 60 s, and then some.
pub(super) const OUTSIDE_WINDOW_MS: i64 = 150_000;

pub(super) fn run(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    signatures(suite)?;
    let message = suite.create()?;
    foreign_keys(suite, suite.endpoint, &message)?;
    windows(suite)?;
    replays(suite)?;
    fields(suite)?;
    instances(suite)?;
    bodies(suite)
}

pub(super) fn parameter(en: &'static str, zh: &'static str) -> Rule {
    Rule::code(PARAMETER, en, zh)
}

fn signatures(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let mut request = suite.endpoint.sign(suite.create()?.json())?;
    let full = std::mem::take(&mut request.query);
    let rule =
        Rule::code(&["000001", "000002"], "nothing unsigned is accepted", "不接受未签名的请求");
    suite.send_raw("unsigned", "newInstance without a query".to_owned(), &request, &rule);

    let mut part = |case: &str, left_out: &str, rule: &Rule| {
        let kept: Vec<_> = full.split('&').filter(|pair| !pair.starts_with(left_out)).collect();
        let request = SignedRequest { query: kept.join("&"), ..request.clone() };
        suite.send_raw(case, format!("newInstance without {left_out}"), &request, rule);
    };
    let missing = Rule::code(AUTHENTICATION, "no signature: 000001", "缺少签名:000001");
    part("no-signature", "signature", &missing);
    part("no-timestamp", "timestamp", &parameter("no timestamp: 000002", "缺少 timestamp:000002"));
    part("no-nonce", "nonce", &parameter("no nonce: 000002", "缺少 nonce:000002"));

    let wrong = Rule::code(AUTHENTICATION, "wrong signature: 000001", "签名错误:000001");
    let message = suite.create()?;
    let request = suite.endpoint.sign_as(&message.json(), "{}")?;
    suite.send_raw(
        "wrong-signature",
        "newInstance, another body signed".to_owned(),
        &request,
        &wrong,
    );
    let mut request = suite.endpoint.sign(suite.create()?.json())?;
    request.query = request.query.replacen("nonce=", "nonce=0", 1);
    suite.send_raw("wrong-nonce", "newInstance, nonce changed".to_owned(), &request, &wrong);
    Ok(())
}

fn windows(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let now = suite.endpoint.now_ms();
    let rule = parameter("the window is 60 s, both ways", "时间窗前后各 60 秒");
    for (case, timestamp) in [
        ("stale-past", now - OUTSIDE_WINDOW_MS),
        ("stale-future", now + OUTSIDE_WINDOW_MS),
        ("stale-seconds", (now - OUTSIDE_WINDOW_MS) / 1000),
    ] {
        let mut request = suite.endpoint.sign(suite.create()?.json())?;
        request.query = suite.endpoint.query(&request.body, timestamp)?;
        suite.send_raw(case, format!("newInstance, timestamp {timestamp}"), &request, &rule);
    }
    let mut request = suite.endpoint.sign(suite.create()?.json())?;
    request.query = request.query.replacen("timestamp=", "timestamp=x", 1);
    let rule = parameter("a timestamp is a number", "timestamp 必须是数字");
    suite.send_raw("timestamp-text", "newInstance, timestamp x…".to_owned(), &request, &rule);
    Ok(())
}

fn replays(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let rule = parameter("the same nonce again: 000002", "nonce 重复:000002");
    for (case, message) in [
        ("update-replayed", suite.update("RENEWAL")),
        ("status-replayed", suite.status("UNFREEZE")),
        ("release-replayed", suite.release()),
    ] {
        let request = suite.endpoint.sign(message.json())?;
        let sent = message.summary();
        suite.send_raw(
            &format!("{case}-first"),
            sent.clone(),
            &request,
            &Rule::done("000000", "000000"),
        );
        suite.send_raw(case, format!("{sent}, byte for byte again"), &request, &rule);
    }
    let request = suite.endpoint.sign(suite.license().json())?;
    let rule = Rule::accepted(
        "a byte-identical application is answered again",
        "逐字节相同的申请照常应答",
    );
    suite.send_raw("license-identical", "getLicenseAsync".to_owned(), &request, &rule);
    let sent = "getLicenseAsync, byte for byte again".to_owned();
    suite.send_raw("license-identical-again", sent, &request, &rule);
    Ok(())
}

fn fields(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let (create, update) = (suite.create()?, suite.update("RENEWAL"));
    let (status, release, license) = (suite.status("FREEZE"), suite.release(), suite.license());
    let mandatory: [(&Message, &[&str]); 5] = [
        (&create, &["orderId", "orderLineId", "businessId"]),
        (&update, &["scene", "orderId", "orderLineId", "instanceId", "expireTime"]),
        (&status, &["instanceId", "status"]),
        (&release, &["instanceId"]),
        (&license, &["instanceId", "eventId", "effectiveTime"]),
    ];
    let endpoint = suite.endpoint;
    for (message, names) in mandatory {
        self::mandatory(suite, endpoint, message, names)?;
    }
    let known = parameter("a value that is not in the list: 000002", "取值不在列表中:000002");
    suite.call("status-unknown", &suite.status("THAW"), &known)?;
    let time = parameter("no time: 000002", "不是时间:000002");
    for (message, name) in [(&update, "expireTime"), (&license, "effectiveTime")] {
        let sent = format!("{}, {name} tomorrow", message.summary());
        let request = suite.endpoint.sign(message.clone().with(name, "tomorrow").json())?;
        suite.send_raw("no-time", sent, &request, &time);
    }
    let device = Rule::code(
        &["000002", "000903"],
        "a fingerprint is at most 5,120 bytes",
        "设备指纹最多 5120 字节",
    );
    let message = license.clone().with("deviceFingerprint", "A".repeat(5_121));
    suite.call("fingerprint-too-long", &message, &device)
}

/// Each of these members missing, empty, and over its length by one.
pub(super) fn mandatory(
    suite: &mut Conformance<'_>,
    endpoint: &Endpoint,
    message: &Message,
    names: &[&str],
) -> Result<(), EndpointError> {
    let missing = parameter("mandatory, so 000002", "必填字段,缺少时为 000002");
    let long = parameter("over its length: 000002", "超过长度:000002");
    let activity = message.summary();
    let activity = activity.split(' ').next().unwrap_or_default();
    for name in names {
        let request = endpoint.sign(message.clone().without(name).json())?;
        suite.send_raw("field-missing", format!("{activity} without {name}"), &request, &missing);
        let request = endpoint.sign(message.clone().with(name, "").json())?;
        suite.send_raw("field-empty", format!("{activity}, {name} empty"), &request, &missing);
        let request = endpoint.sign(message.clone().with(name, "9".repeat(65)).json())?;
        suite.send_raw("field-too-long", format!("{activity}, {name} too long"), &request, &long);
    }
    Ok(())
}

/// A call that succeeds once, and is refused when it comes byte for byte again.
pub(super) fn replayed(
    suite: &mut Conformance<'_>,
    endpoint: &Endpoint,
    case: &str,
    message: &Message,
) -> Result<(), EndpointError> {
    let request = endpoint.sign(message.json())?;
    let sent = message.summary();
    let rule = Rule::accepted("000000 or 000004", "000000 或 000004");
    suite.send_raw(&format!("{case}-first"), sent.clone(), &request, &rule);
    let rule = parameter("the same nonce again: 000002", "nonce 重复:000002");
    suite.send_raw(case, format!("{sent}, byte for byte again"), &request, &rule);
    Ok(())
}

/// What every signed interface refuses: no signature, a wrong one, old and future calls, the keys
/// of other interface types.
pub(super) fn signature_of(
    suite: &mut Conformance<'_>,
    endpoint: &Endpoint,
    message: &Message,
) -> Result<(), EndpointError> {
    let wrong = Rule::code(AUTHENTICATION, "wrong signature: 000001", "签名错误:000001");
    let sent = message.summary();
    let request = endpoint.sign_as(&message.json(), "{}")?;
    suite.send_raw("wrong-signature", format!("{sent}, another body signed"), &request, &wrong);
    let stale = parameter("the window is 60 s, both ways", "时间窗前后各 60 秒");
    for (case, timestamp) in [
        ("stale-past", endpoint.now_ms() - OUTSIDE_WINDOW_MS),
        ("stale-future", endpoint.now_ms() + OUTSIDE_WINDOW_MS),
    ] {
        let mut request = endpoint.sign(message.json())?;
        request.query = endpoint.query(&request.body, timestamp)?;
        suite.send_raw(case, format!("{sent}, timestamp {timestamp}"), &request, &stale);
    }
    foreign_keys(suite, endpoint, message)
}

/// One key an interface type: what another one signed is not ours.
pub(super) fn foreign_keys(
    suite: &mut Conformance<'_>,
    endpoint: &Endpoint,
    message: &Message,
) -> Result<(), EndpointError> {
    let rule = Rule::code(
        AUTHENTICATION,
        "each interface type has its own key: 000001",
        "各接口类型使用各自的密钥:000001",
    );
    for (name, other) in strangers(suite.endpoints, endpoint) {
        let sent = format!("{}, signed with the {name} key", message.summary());
        let request = other.sign(message.json())?;
        suite.send_raw("foreign-key", sent, &request, &rule);
    }
    Ok(())
}

/// The endpoint under the keys of the other interface types.
pub(super) fn strangers<'a>(
    endpoints: &'a Endpoints,
    endpoint: &Endpoint,
) -> Vec<(&'static str, &'a Endpoint)> {
    let all = [
        ("basic", Some(&endpoints.basic)),
        ("license-code", endpoints.license_code.as_ref()),
        ("general", endpoints.general.as_ref()),
        ("kit", endpoints.kit.as_ref()),
    ];
    let others = all.into_iter().filter_map(|(name, other)| Some((name, other?)));
    others.filter(|(_, other)| !other.key().same(endpoint.key())).collect()
}

fn instances(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let nowhere = format!("NOWHERE-{}", suite.endpoint.fresh::<8>()?);
    let rule = Rule::code(UNKNOWN, "unknown instance: 000003", "实例不存在:000003");
    for message in
        [suite.update("RENEWAL"), suite.status("FREEZE"), suite.release(), suite.license()]
    {
        suite.call("instance-unknown", &message.with("instanceId", &nowhere), &rule)?;
    }
    let rule = parameter("at most 100 instances: 000002", "最多 100 个实例:000002");
    let ids = vec!["i"; 101].join(",");
    suite.call("query-101", &suite.query().with("instanceId", ids), &rule)?;
    let rule = parameter("unknown activity: 000002", "未知 activity:000002");
    suite.call("activity-unknown", &Message::test("orderPizza"), &rule)?;
    suite.call("activity-missing", &suite.create()?.without("activity"), &rule)
}

fn bodies(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let body = suite.create()?.json();
    let order = &suite.subject.order;
    let twice = body.replacen('{', &format!("{{\"orderId\":\"{order}\","), 1);
    let mut no_utf8 = body.clone().into_bytes();
    let at = body.find("Instance").unwrap_or(1);
    no_utf8.splice(at..at, [0xff, 0xfe]);
    let half = body[..body.len() / 2].to_owned();
    for (case, sent, bytes) in [
        ("member-twice", "newInstance with orderId twice", twice.into_bytes()),
        ("not-utf-8", "newInstance with bytes FF FE", no_utf8),
        ("truncated", "newInstance cut in the middle", half.into_bytes()),
        ("no-object", "a JSON array", b"[]".to_vec()),
        ("no-json", "form data", b"activity=newInstance".to_vec()),
        ("empty", "an empty body", Vec::new()),
    ] {
        let rule =
            parameter("no flat JSON object in UTF-8: 000002", "不是 UTF-8 的扁平 JSON 对象:000002");
        let request = suite.endpoint.sign(bytes)?;
        suite.send_raw(case, sent.to_owned(), &request, &rule);
    }
    let rule = Rule::status(413, "over 64 KiB: HTTP 413", "超过 64 KiB:HTTP 413");
    let message = suite.create_padded(MAX_BODY_LEN + 1)?;
    let request = suite.endpoint.sign(message.json())?;
    suite.send_raw(
        "body-too-large",
        "newInstance of 64 KiB and one byte".to_owned(),
        &request,
        &rule,
    );
    let mut request = suite.endpoint.sign(suite.create()?.json())?;
    request.method = Method::PUT;
    let rule = Rule::status(405, "wrong method: HTTP 405", "方法错误:HTTP 405");
    suite.send_raw("method", "PUT instead of POST".to_owned(), &request, &rule);
    Ok(())
}
