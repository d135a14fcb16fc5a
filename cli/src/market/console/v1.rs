//! The eleven calls of V1: GET, signed by `authToken`, every answer signed in `Body-Sign`.

use koogallery::{auth_token, v1};
use ureq::http::Method;

use super::refusals::{AUTHENTICATION, FAR, UNKNOWN, parameter, strangers};
use super::{Console, Expected, Rule, guide, stamp};
use crate::admin::escape;
use crate::market::message::Message;
use crate::market::seller::{Reply, Seller, Shot};

const DONE: &[&str] = &["000000"];

pub(super) fn run(console: &mut Console<'_>) -> anyhow::Result<()> {
    let (instance, license) = good(console)?;
    refusals(console, &instance)?;
    fields(console, &instance)?;
    let rule = license_rule(Some(license.clone()), "the license of the order stays the same");
    let message = purchase(console, "getLicense")?;
    if !license.is_empty() {
        send(console, "v1-license-for-ever", "getLicense, after everything", &message, &rule);
    }
    Ok(())
}

/// Every activity and its re-send; the instance and the license that were named.
fn good(console: &mut Console<'_>) -> anyhow::Result<(String, String)> {
    let created =
        Rule::new(Expected::AnyInstance, "000000 and an instanceId", "000000 和 instanceId");
    let message = purchase(console, "newInstance")?;
    let reply = send(console, "v1-create", "newInstance", &message, &created);
    let instance = named(reply.as_ref(), "instanceId");
    let same = Rule::instance(
        &instance,
        "same order: the same instanceId, whatever the businessId",
        "同一订单:返回相同的 instanceId,与 businessId 无关",
    );
    let message = purchase(console, "newInstance")?;
    send(console, "v1-create-again", "newInstance again", &message, &same);

    let of = |activity: &str| Message::test(activity).with("instanceId", &instance);
    let order = console.subject.order.clone();
    let end = console.stamp("%Y%m%d%H%M%S", 365);
    let refresh = |activity: &str| of(activity).with("orderId", &order).with("expireTime", &end);
    let cases = [
        ("v1-refresh", refresh("refreshInstance")),
        ("v1-refresh-trial", refresh("refreshInstance").with("trialToFormal", "1")),
        ("v1-expire", of("expireInstance").with("orderId", &order)),
        ("v1-upgrade", upgrade(console, &instance)),
        ("v1-freeze", of("instanceStatus").with("instanceStatus", "FREEZE")),
        ("v1-normal", of("instanceStatus").with("instanceStatus", "NORMAL")),
        ("v1-release", of("releaseInstance").with("orderId", &order)),
    ];
    each(console, &cases);
    let rule = Rule::new(
        Expected::Information(instance.clone()),
        "000000, and info names the instance",
        "000000,info 中有该实例",
    );
    send(console, "v1-query", "queryInstance", &of("queryInstance"), &rule);

    let message = purchase(console, "getLicense")?;
    let rule = license_rule(None, "000000 with the license in the answer");
    let reply = send(console, "v1-license", "getLicense", &message, &rule);
    let license = named(reply.as_ref(), "license");
    let rule = license_rule(Some(license.clone()), "same order: the same license");
    let message = purchase(console, "getLicense")?;
    send(console, "v1-license-again", "getLicense again", &message, &rule);
    let cases = [
        ("v1-license-refresh", refresh("refreshLicense")),
        ("v1-license-expire", of("expireLicense").with("orderId", &order)),
        ("v1-license-release", of("releaseLicense").with("orderId", &order)),
    ];
    each(console, &cases);
    Ok((instance, license))
}

fn each(console: &mut Console<'_>, cases: &[(&str, Message)]) {
    for (case, message) in cases {
        let sent = message.summary();
        send(console, case, &sent, message, &Rule::done("000000", "000000"));
        let rule = Rule::done("a re-send succeeds again", "重发仍然成功");
        send(console, &format!("{case}-again"), &format!("{sent} again"), message, &rule);
    }
}

fn refusals(console: &mut Console<'_>, instance: &str) -> anyhow::Result<()> {
    let seller = console.seller;
    let message = purchase(console, "newInstance")?;
    let same = Rule::instance(instance, "the order of parameters is free", "参数顺序不限");
    let mut shot = sign(seller, &message, seller.now_ms());
    let pairs: Vec<&str> = shot.query.split('&').rev().collect();
    shot.query = pairs.join("&");
    shoot(console, "v1-reordered", "newInstance, parameters reversed", &shot, &same);

    let missing = Rule::code(AUTHENTICATION, "no authToken: 000001", "缺少 authToken:000001");
    let without = |shot: &Shot, name: &str| {
        let kept: Vec<_> =
            shot.query.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
        Shot { query: kept.join("&"), ..shot.clone() }
    };
    let whole = sign(seller, &message, seller.now_ms());
    let shot = without(&whole, "authToken");
    shoot(console, "v1-no-token", "newInstance without authToken", &shot, &missing);
    let missing = parameter("no timeStamp: 000002", "缺少 timeStamp:000002");
    let shot = without(&whole, "timeStamp");
    shoot(console, "v1-no-time", "newInstance without timeStamp", &shot, &missing);

    let wrong = Rule::code(AUTHENTICATION, "wrong authToken: 000001", "authToken 错误:000001");
    let mut shot = sign(seller, &message, seller.now_ms());
    shot.query.push_str("&skuCode=another");
    shoot(console, "v1-wrong-token", "newInstance, a parameter added", &shot, &wrong);
    let stale = parameter("the window is 60 s, both ways", "时间窗前后各 60 秒");
    for (case, at) in
        [("v1-stale-past", seller.now_ms() - FAR), ("v1-stale-future", seller.now_ms() + FAR)]
    {
        shoot(console, case, "newInstance, at another time", &sign(seller, &message, at), &stale);
    }
    let foreign = Rule::code(
        AUTHENTICATION,
        "each interface type has its own key: 000001",
        "各接口类型使用各自的密钥:000001",
    );
    for (name, other) in strangers(console.sellers, seller) {
        let shot = sign(other, &message, seller.now_ms());
        let sent = format!("newInstance, signed with the {name} key");
        // Whoever refuses it cannot know which key the caller would check the answer with.
        let reply = seller.send(&shot);
        console.record("v1-foreign-key", sent, reply, &foreign.clone().of(guide::V1));
    }
    let unknown = parameter("unknown activity: 000002", "未知 activity:000002");
    let message = Message::test("orderPizza");
    send(console, "v1-activity", "orderPizza", &message, &unknown);
    Ok(())
}

fn fields(console: &mut Console<'_>, instance: &str) -> anyhow::Result<()> {
    let of = |activity: &str| Message::test(activity).with("instanceId", instance);
    let order = console.subject.order.clone();
    let end = console.stamp("%Y%m%d%H%M%S", 365);
    let refresh = |activity: &str| of(activity).with("orderId", &order).with("expireTime", &end);
    let bought: &[&str] = &["customerId", "businessId", "orderId", "productId"];
    let refreshed: &[&str] = &["orderId", "instanceId", "expireTime"];
    let missing = parameter("mandatory, so 000002", "必填字段,缺少时为 000002");
    let unknown = Rule::code(UNKNOWN, "unknown instance: 000003", "实例不存在:000003");
    for (message, names) in [
        (purchase(console, "newInstance")?, bought),
        (purchase(console, "getLicense")?, bought),
        (refresh("refreshInstance"), refreshed),
        (refresh("refreshLicense"), refreshed),
        (of("expireInstance").with("orderId", &order), &["instanceId"]),
        (of("expireLicense").with("orderId", &order), &["instanceId"]),
        (of("releaseInstance").with("orderId", &order), &["instanceId", "orderId"]),
        (of("releaseLicense").with("orderId", &order), &["instanceId", "orderId"]),
        (upgrade(console, instance), &["instanceId", "orderId", "skuCode", "productId"]),
        (of("instanceStatus").with("instanceStatus", "FREEZE"), &["instanceId", "instanceStatus"]),
        (of("queryInstance"), &["instanceId"]),
    ] {
        let activity = message.member("activity").unwrap_or_default().to_owned();
        for name in names {
            let sent = format!("{activity} without {name}");
            send(console, "v1-missing", &sent, &message.clone().without(name), &missing);
        }
        if message.member("instanceId").is_some() && activity != "queryInstance" {
            let nowhere = message.with("instanceId", "NOWHERE");
            let sent = format!("{activity}, unknown instance");
            send(console, "v1-instance-unknown", &sent, &nowhere, &unknown);
        }
    }
    let known = parameter("a value that is not in the list: 000002", "取值不在列表中:000002");
    let thaw = of("instanceStatus").with("instanceStatus", "THAW");
    send(console, "v1-status-unknown", "instanceStatus THAW", &thaw, &known);
    let time = parameter("no time: 000002", "不是时间:000002");
    let tomorrow = refresh("refreshInstance").with("expireTime", "tomorrow");
    send(console, "v1-no-date", "refreshInstance, expireTime tomorrow", &tomorrow, &time);
    Ok(())
}

/// What a buyer bought; its businessId is another one in every request.
fn purchase(console: &Console<'_>, activity: &str) -> anyhow::Result<Message> {
    let product = console.subject.product.as_deref().unwrap_or("OFFI846204237451911168");
    Ok(Message::test(activity)
        .with("customerId", "mock-customer")
        .with("customerName", "示例工业软件 & 仿真")
        .with("businessId", console.seller.fresh::<16>()?)
        .with("orderId", format!("{}-{activity}", console.subject.order))
        .with("productId", product)
        .with("chargingMode", "1")
        .with("periodType", "year")
        .with("periodNumber", "1")
        .with("amount", "2"))
}

fn upgrade(console: &Console<'_>, instance: &str) -> Message {
    let product = console.subject.product.as_deref().unwrap_or("OFFI846204237451911168");
    Message::test("upgrade")
        .with("instanceId", instance)
        .with("orderId", &console.subject.order)
        .with("productId", product)
        .with("skuCode", "0a4d1578-5295-46a7-92d4-7c803dccc51d")
        .with("amount", "5")
}

fn license_rule(known: Option<String>, en: &'static str) -> Rule {
    Rule::new(Expected::License(known), en, "000000,应答中有 license,重发时相同")
}

fn named(reply: Option<&Reply>, name: &str) -> String {
    reply.and_then(|reply| reply.member(name)).unwrap_or_default().to_owned()
}

fn sign(seller: &Seller, message: &Message, at_ms: i64) -> Shot {
    let time_stamp =
        format!("{}{:03}", stamp("%Y%m%d%H%M%S", at_ms / 1000), at_ms.rem_euclid(1000));
    let message = message.clone().with("timeStamp", time_stamp);
    let token = auth_token::sign(seller.key(), message.members());
    let pairs: Vec<String> = message
        .members()
        .chain([(auth_token::NAME, token.as_str())])
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    Shot {
        method: Method::GET,
        path: String::new(),
        headers: Vec::new(),
        query: pairs.join("&"),
        body: Vec::new(),
    }
}

fn send(
    console: &mut Console<'_>,
    case: &str,
    sent: &str,
    message: &Message,
    rule: &Rule,
) -> Option<Reply> {
    let shot = sign(console.seller, message, console.seller.now_ms());
    shoot(console, case, sent, &shot, rule)
}

/// Sends it and judges the answer, its signature first.
fn shoot(
    console: &mut Console<'_>,
    case: &str,
    sent: &str,
    shot: &Shot,
    rule: &Rule,
) -> Option<Reply> {
    let reply = console.seller.send(shot);
    let unsigned = match &reply {
        Ok(reply) => match &reply.body_sign {
            None => Some(("no header Body-Sign", "没有 Body-Sign 头")),
            Some(value) if v1::verify_body_sign(value, &reply.bytes, console.seller.key()) => None,
            Some(_) => Some(("Body-Sign is wrong", "Body-Sign 错误")),
        },
        Err(_) => None,
    };
    let kept = reply.as_ref().ok().cloned();
    console.record(case, sent.to_owned(), reply, &rule.clone().of(guide::V1));
    let synchronous = kept.as_ref().and_then(Reply::result_code) == Some("000004");
    if let Some(row) = console.rows.last_mut() {
        if let (None, Some((en, zh))) = (&row.why, unsigned) {
            row.why = Some(if console.lang == license_core::Lang::Zh { zh } else { en }.to_owned());
        } else if row.why.is_none() && synchronous {
            row.why = Some(format!("000004 instead of {}", DONE.join("")));
        }
        if row.why.is_some() {
            row.verdict = super::Verdict::Fail;
        }
    }
    kept
}
