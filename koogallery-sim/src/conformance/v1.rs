//! The eleven calls of V1: GET, signed by `authToken`, every answer signed in `Body-Sign`.

use koogallery::{auth_token, v1};
use ureq::http::Method;

use super::chapters;
use super::expectation::{Expectation, Rule};
use super::refusals::{AUTHENTICATION, OUTSIDE_WINDOW_MS, UNKNOWN, parameter, strangers};
use super::suite::Conformance;
use crate::endpoint::{Endpoint, EndpointError, EndpointReply, SignedRequest, percent_encoded};
use crate::message::Message;
use crate::time::stamp;

const DONE: &[&str] = &["000000"];

pub(super) fn run(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let (instance, license) = good(suite)?;
    refusals(suite, &instance)?;
    fields(suite, &instance)?;
    let rule = license_rule(Some(license.clone()), "the license of the order stays the same");
    let message = purchase(suite, "getLicense")?;
    if !license.is_empty() {
        send(suite, "v1-license-for-ever", "getLicense, after everything", &message, &rule);
    }
    Ok(())
}

/// Every activity and its re-send; the instance and the license that were named.
fn good(suite: &mut Conformance<'_>) -> Result<(String, String), EndpointError> {
    let created =
        Rule::new(Expectation::AnyInstance, "000000 and an instanceId", "000000 和 instanceId");
    let message = purchase(suite, "newInstance")?;
    let reply = send(suite, "v1-create", "newInstance", &message, &created);
    let instance = named(reply.as_ref(), "instanceId");
    let same = Rule::instance(
        &instance,
        "same order: the same instanceId, whatever the businessId",
        "同一订单:返回相同的 instanceId,与 businessId 无关",
    );
    let message = purchase(suite, "newInstance")?;
    send(suite, "v1-create-again", "newInstance again", &message, &same);

    let of = |activity: &str| Message::test(activity).with("instanceId", &instance);
    let order = suite.subject.order.clone();
    let end = suite.stamp("%Y%m%d%H%M%S", 365);
    let refresh = |activity: &str| of(activity).with("orderId", &order).with("expireTime", &end);
    let cases = [
        ("v1-refresh", refresh("refreshInstance")),
        ("v1-refresh-trial", refresh("refreshInstance").with("trialToFormal", "1")),
        ("v1-expire", of("expireInstance").with("orderId", &order)),
        ("v1-upgrade", upgrade(suite, &instance)),
        ("v1-freeze", of("instanceStatus").with("instanceStatus", "FREEZE")),
        ("v1-normal", of("instanceStatus").with("instanceStatus", "NORMAL")),
        ("v1-release", of("releaseInstance").with("orderId", &order)),
    ];
    each(suite, &cases);
    let rule = Rule::new(
        Expectation::Information(instance.clone()),
        "000000, and info names the instance",
        "000000,info 中有该实例",
    );
    send(suite, "v1-query", "queryInstance", &of("queryInstance"), &rule);

    let message = purchase(suite, "getLicense")?;
    let rule = license_rule(None, "000000 with the license in the answer");
    let reply = send(suite, "v1-license", "getLicense", &message, &rule);
    let license = named(reply.as_ref(), "license");
    let rule = license_rule(Some(license.clone()), "same order: the same license");
    let message = purchase(suite, "getLicense")?;
    send(suite, "v1-license-again", "getLicense again", &message, &rule);
    let cases = [
        ("v1-license-refresh", refresh("refreshLicense")),
        ("v1-license-expire", of("expireLicense").with("orderId", &order)),
        ("v1-license-release", of("releaseLicense").with("orderId", &order)),
    ];
    each(suite, &cases);
    Ok((instance, license))
}

fn each(suite: &mut Conformance<'_>, cases: &[(&str, Message)]) {
    for (case, message) in cases {
        let sent = message.summary();
        send(suite, case, &sent, message, &Rule::done("000000", "000000"));
        let rule = Rule::done("a re-send succeeds again", "重发仍然成功");
        send(suite, &format!("{case}-again"), &format!("{sent} again"), message, &rule);
    }
}

fn refusals(suite: &mut Conformance<'_>, instance: &str) -> Result<(), EndpointError> {
    let endpoint = suite.endpoint;
    let message = purchase(suite, "newInstance")?;
    let same = Rule::instance(instance, "the order of parameters is free", "参数顺序不限");
    let mut request = sign(endpoint, &message, endpoint.now_ms());
    let pairs: Vec<&str> = request.query.split('&').rev().collect();
    request.query = pairs.join("&");
    send_raw(suite, "v1-reordered", "newInstance, parameters reversed", &request, &same);

    let missing = Rule::code(AUTHENTICATION, "no authToken: 000001", "缺少 authToken:000001");
    let without = |request: &SignedRequest, name: &str| {
        let kept: Vec<_> = request
            .query
            .split('&')
            .filter(|pair| !pair.starts_with(&format!("{name}=")))
            .collect();
        SignedRequest { query: kept.join("&"), ..request.clone() }
    };
    let whole = sign(endpoint, &message, endpoint.now_ms());
    let request = without(&whole, "authToken");
    send_raw(suite, "v1-no-token", "newInstance without authToken", &request, &missing);
    let missing = parameter("no timeStamp: 000002", "缺少 timeStamp:000002");
    let request = without(&whole, "timeStamp");
    send_raw(suite, "v1-no-time", "newInstance without timeStamp", &request, &missing);

    let wrong = Rule::code(AUTHENTICATION, "wrong authToken: 000001", "authToken 错误:000001");
    let mut request = sign(endpoint, &message, endpoint.now_ms());
    request.query.push_str("&skuCode=another");
    send_raw(suite, "v1-wrong-token", "newInstance, a parameter added", &request, &wrong);
    let stale = parameter("the window is 60 s, both ways", "时间窗前后各 60 秒");
    for (case, at) in [
        ("v1-stale-past", endpoint.now_ms() - OUTSIDE_WINDOW_MS),
        ("v1-stale-future", endpoint.now_ms() + OUTSIDE_WINDOW_MS),
    ] {
        send_raw(
            suite,
            case,
            "newInstance, at another time",
            &sign(endpoint, &message, at),
            &stale,
        );
    }
    let foreign = Rule::code(
        AUTHENTICATION,
        "each interface type has its own key: 000001",
        "各接口类型使用各自的密钥:000001",
    );
    for (name, other) in strangers(suite.endpoints, endpoint) {
        let request = sign(other, &message, endpoint.now_ms());
        let sent = format!("newInstance, signed with the {name} key");
        // The answer is not verified: the seller cannot know which key the caller would take.
        let reply = endpoint.send(&request);
        suite.record("v1-foreign-key", sent, reply, &foreign.clone().of(chapters::V1));
    }
    let unknown = parameter("unknown activity: 000002", "未知 activity:000002");
    let message = Message::test("orderPizza");
    send(suite, "v1-activity", "orderPizza", &message, &unknown);
    Ok(())
}

fn fields(suite: &mut Conformance<'_>, instance: &str) -> Result<(), EndpointError> {
    let of = |activity: &str| Message::test(activity).with("instanceId", instance);
    let order = suite.subject.order.clone();
    let end = suite.stamp("%Y%m%d%H%M%S", 365);
    let refresh = |activity: &str| of(activity).with("orderId", &order).with("expireTime", &end);
    let bought: &[&str] = &["customerId", "businessId", "orderId", "productId"];
    let refreshed: &[&str] = &["orderId", "instanceId", "expireTime"];
    let missing = parameter("mandatory, so 000002", "必填字段,缺少时为 000002");
    let unknown = Rule::code(UNKNOWN, "unknown instance: 000003", "实例不存在:000003");
    for (message, names) in [
        (purchase(suite, "newInstance")?, bought),
        (purchase(suite, "getLicense")?, bought),
        (refresh("refreshInstance"), refreshed),
        (refresh("refreshLicense"), refreshed),
        (of("expireInstance").with("orderId", &order), &["instanceId"]),
        (of("expireLicense").with("orderId", &order), &["instanceId"]),
        (of("releaseInstance").with("orderId", &order), &["instanceId", "orderId"]),
        (of("releaseLicense").with("orderId", &order), &["instanceId", "orderId"]),
        (upgrade(suite, instance), &["instanceId", "orderId", "skuCode", "productId"]),
        (of("instanceStatus").with("instanceStatus", "FREEZE"), &["instanceId", "instanceStatus"]),
        (of("queryInstance"), &["instanceId"]),
    ] {
        let activity = message.member("activity").unwrap_or_default().to_owned();
        for name in names {
            let sent = format!("{activity} without {name}");
            send(suite, "v1-missing", &sent, &message.clone().without(name), &missing);
        }
        if message.member("instanceId").is_some() && activity != "queryInstance" {
            let nowhere = message.with("instanceId", "NOWHERE");
            let sent = format!("{activity}, unknown instance");
            send(suite, "v1-instance-unknown", &sent, &nowhere, &unknown);
        }
    }
    let known = parameter("a value that is not in the list: 000002", "取值不在列表中:000002");
    let thaw = of("instanceStatus").with("instanceStatus", "THAW");
    send(suite, "v1-status-unknown", "instanceStatus THAW", &thaw, &known);
    let time = parameter("no time: 000002", "不是时间:000002");
    let tomorrow = refresh("refreshInstance").with("expireTime", "tomorrow");
    send(suite, "v1-no-date", "refreshInstance, expireTime tomorrow", &tomorrow, &time);
    Ok(())
}

/// What a buyer bought; its businessId is another one in every request.
fn purchase(suite: &Conformance<'_>, activity: &str) -> Result<Message, EndpointError> {
    let product = suite.subject.product.as_deref().unwrap_or("OFFI846204237451911168");
    Ok(Message::test(activity)
        .with("customerId", "mock-customer")
        .with("customerName", "示例工业软件 & 仿真")
        .with("businessId", suite.endpoint.fresh::<16>()?)
        .with("orderId", format!("{}-{activity}", suite.subject.order))
        .with("productId", product)
        .with("chargingMode", "1")
        .with("periodType", "year")
        .with("periodNumber", "1")
        .with("amount", "2"))
}

fn upgrade(suite: &Conformance<'_>, instance: &str) -> Message {
    let product = suite.subject.product.as_deref().unwrap_or("OFFI846204237451911168");
    Message::test("upgrade")
        .with("instanceId", instance)
        .with("orderId", &suite.subject.order)
        .with("productId", product)
        .with("skuCode", "0a4d1578-5295-46a7-92d4-7c803dccc51d")
        .with("amount", "5")
}

fn license_rule(known: Option<String>, en: &'static str) -> Rule {
    Rule::new(Expectation::License(known), en, "000000,应答中有 license,重发时相同")
}

fn named(reply: Option<&EndpointReply>, name: &str) -> String {
    reply.and_then(|reply| reply.member(name)).unwrap_or_default().to_owned()
}

fn sign(endpoint: &Endpoint, message: &Message, at_ms: i64) -> SignedRequest {
    let time_stamp =
        format!("{}{:03}", stamp("%Y%m%d%H%M%S", at_ms / 1000), at_ms.rem_euclid(1000));
    let message = message.clone().with("timeStamp", time_stamp);
    let token = auth_token::sign(endpoint.key(), message.members());
    let pairs: Vec<String> = message
        .members()
        .chain([(auth_token::NAME, token.as_str())])
        .map(|(name, value)| format!("{name}={}", percent_encoded(value)))
        .collect();
    SignedRequest {
        method: Method::GET,
        path: String::new(),
        headers: Vec::new(),
        query: pairs.join("&"),
        body: Vec::new(),
    }
}

fn send(
    suite: &mut Conformance<'_>,
    case: &str,
    sent: &str,
    message: &Message,
    rule: &Rule,
) -> Option<EndpointReply> {
    let request = sign(suite.endpoint, message, suite.endpoint.now_ms());
    send_raw(suite, case, sent, &request, rule)
}

/// Sends it and judges the answer, its signature first.
fn send_raw(
    suite: &mut Conformance<'_>,
    case: &str,
    sent: &str,
    request: &SignedRequest,
    rule: &Rule,
) -> Option<EndpointReply> {
    let reply = suite.endpoint.send(request);
    let unsigned = match &reply {
        Ok(reply) => match &reply.body_sign {
            None => Some(("no header Body-Sign", "没有 Body-Sign 头")),
            Some(value) if v1::verify_body_sign(value, &reply.bytes, suite.endpoint.key()) => None,
            Some(_) => Some(("Body-Sign is wrong", "Body-Sign 错误")),
        },
        Err(_) => None,
    };
    let kept = reply.as_ref().ok().cloned();
    suite.record(case, sent.to_owned(), reply, &rule.clone().of(chapters::V1));
    let synchronous = kept.as_ref().and_then(EndpointReply::result_code) == Some("000004");
    if let Some(row) = suite.rows.last_mut() {
        if let (None, Some((en, zh))) = (&row.why, unsigned) {
            row.why = Some(
                if suite.language == crate::language::Language::Zh { zh } else { en }.to_owned(),
            );
        } else if row.why.is_none() && synchronous {
            row.why = Some(format!("000004 instead of {}", DONE.join("")));
        }
        if row.why.is_some() {
            row.verdict = super::suite::CaseVerdict::Fail;
        }
    }
    kept
}
