//! What an endpoint must refuse, and with which code.

use ureq::http::Method;

use super::{BODY_LIMIT, Console, Rule};
use crate::market::message::Message;
use crate::market::seller::{Seller, Sellers, Shot};

pub(super) const AUTHENTICATION: &[&str] = &["000001"];
const PARAMETER: &[&str] = &["000002"];
pub(super) const UNKNOWN: &[&str] = &["000003"];
/// Twice the window of 60 s, and then some.
pub(super) const FAR: i64 = 150_000;

pub(super) fn run(console: &mut Console<'_>) -> anyhow::Result<()> {
    signatures(console)?;
    let message = console.create()?;
    foreign_keys(console, console.seller, &message)?;
    windows(console)?;
    replays(console)?;
    fields(console)?;
    instances(console)?;
    bodies(console)
}

pub(super) fn parameter(en: &'static str, zh: &'static str) -> Rule {
    Rule::code(PARAMETER, en, zh)
}

fn signatures(console: &mut Console<'_>) -> anyhow::Result<()> {
    let mut shot = console.seller.sign(console.create()?.json())?;
    let full = std::mem::take(&mut shot.query);
    let rule =
        Rule::code(&["000001", "000002"], "nothing unsigned is accepted", "不接受未签名的请求");
    console.shoot("unsigned", "newInstance without a query".to_owned(), &shot, &rule);

    let mut part = |case: &str, left_out: &str, rule: &Rule| {
        let kept: Vec<_> = full.split('&').filter(|pair| !pair.starts_with(left_out)).collect();
        let shot = Shot { query: kept.join("&"), ..shot.clone() };
        console.shoot(case, format!("newInstance without {left_out}"), &shot, rule);
    };
    let missing = Rule::code(AUTHENTICATION, "no signature: 000001", "缺少签名:000001");
    part("no-signature", "signature", &missing);
    part("no-timestamp", "timestamp", &parameter("no timestamp: 000002", "缺少 timestamp:000002"));
    part("no-nonce", "nonce", &parameter("no nonce: 000002", "缺少 nonce:000002"));

    let wrong = Rule::code(AUTHENTICATION, "wrong signature: 000001", "签名错误:000001");
    let message = console.create()?;
    let shot = console.seller.sign_as(&message.json(), "{}")?;
    console.shoot("wrong-signature", "newInstance, another body signed".to_owned(), &shot, &wrong);
    let mut shot = console.seller.sign(console.create()?.json())?;
    shot.query = shot.query.replacen("nonce=", "nonce=0", 1);
    console.shoot("wrong-nonce", "newInstance, nonce changed".to_owned(), &shot, &wrong);
    Ok(())
}

fn windows(console: &mut Console<'_>) -> anyhow::Result<()> {
    let now = console.seller.now_ms();
    let rule = parameter("the window is 60 s, both ways", "时间窗前后各 60 秒");
    for (case, timestamp) in [
        ("stale-past", now - FAR),
        ("stale-future", now + FAR),
        ("stale-seconds", (now - FAR) / 1000),
    ] {
        let mut shot = console.seller.sign(console.create()?.json())?;
        shot.query = console.seller.query(&shot.body, timestamp)?;
        console.shoot(case, format!("newInstance, timestamp {timestamp}"), &shot, &rule);
    }
    let mut shot = console.seller.sign(console.create()?.json())?;
    shot.query = shot.query.replacen("timestamp=", "timestamp=x", 1);
    let rule = parameter("a timestamp is a number", "timestamp 必须是数字");
    console.shoot("timestamp-text", "newInstance, timestamp x…".to_owned(), &shot, &rule);
    Ok(())
}

fn replays(console: &mut Console<'_>) -> anyhow::Result<()> {
    let rule = parameter("the same nonce again: 000002", "nonce 重复:000002");
    for (case, message) in [
        ("update-replayed", console.update("RENEWAL")),
        ("status-replayed", console.status("UNFREEZE")),
        ("release-replayed", console.release()),
    ] {
        let shot = console.seller.sign(message.json())?;
        let sent = message.summary();
        console.shoot(
            &format!("{case}-first"),
            sent.clone(),
            &shot,
            &Rule::done("000000", "000000"),
        );
        console.shoot(case, format!("{sent}, byte for byte again"), &shot, &rule);
    }
    let shot = console.seller.sign(console.license().json())?;
    let rule = Rule::accepted(
        "a byte-identical application is answered again",
        "逐字节相同的申请照常应答",
    );
    console.shoot("license-identical", "getLicenseAsync".to_owned(), &shot, &rule);
    let sent = "getLicenseAsync, byte for byte again".to_owned();
    console.shoot("license-identical-again", sent, &shot, &rule);
    Ok(())
}

fn fields(console: &mut Console<'_>) -> anyhow::Result<()> {
    let (create, update) = (console.create()?, console.update("RENEWAL"));
    let (status, release, license) =
        (console.status("FREEZE"), console.release(), console.license());
    let mandatory: [(&Message, &[&str]); 5] = [
        (&create, &["orderId", "orderLineId", "businessId"]),
        (&update, &["scene", "orderId", "orderLineId", "instanceId", "expireTime"]),
        (&status, &["instanceId", "status"]),
        (&release, &["instanceId"]),
        (&license, &["instanceId", "eventId", "effectiveTime"]),
    ];
    let seller = console.seller;
    for (message, names) in mandatory {
        self::mandatory(console, seller, message, names)?;
    }
    let known = parameter("a value that is not in the list: 000002", "取值不在列表中:000002");
    console.call("status-unknown", &console.status("THAW"), &known)?;
    let time = parameter("no time: 000002", "不是时间:000002");
    for (message, name) in [(&update, "expireTime"), (&license, "effectiveTime")] {
        let sent = format!("{}, {name} tomorrow", message.summary());
        let shot = console.seller.sign(message.clone().with(name, "tomorrow").json())?;
        console.shoot("no-time", sent, &shot, &time);
    }
    let device = Rule::code(
        &["000002", "000903"],
        "a fingerprint is at most 5,120 bytes",
        "设备指纹最多 5120 字节",
    );
    let message = license.clone().with("deviceFingerprint", "A".repeat(5_121));
    console.call("fingerprint-too-long", &message, &device)
}

/// Each of these members missing, empty, and over its length by one.
pub(super) fn mandatory(
    console: &mut Console<'_>,
    seller: &Seller,
    message: &Message,
    names: &[&str],
) -> anyhow::Result<()> {
    let missing = parameter("mandatory, so 000002", "必填字段,缺少时为 000002");
    let long = parameter("over its length: 000002", "超过长度:000002");
    let activity = message.summary();
    let activity = activity.split(' ').next().unwrap_or_default();
    for name in names {
        let shot = seller.sign(message.clone().without(name).json())?;
        console.shoot("field-missing", format!("{activity} without {name}"), &shot, &missing);
        let shot = seller.sign(message.clone().with(name, "").json())?;
        console.shoot("field-empty", format!("{activity}, {name} empty"), &shot, &missing);
        let shot = seller.sign(message.clone().with(name, "9".repeat(65)).json())?;
        console.shoot("field-too-long", format!("{activity}, {name} too long"), &shot, &long);
    }
    Ok(())
}

/// A call that succeeds once, and is refused when it comes byte for byte again.
pub(super) fn replayed(
    console: &mut Console<'_>,
    seller: &Seller,
    case: &str,
    message: &Message,
) -> anyhow::Result<()> {
    let shot = seller.sign(message.json())?;
    let sent = message.summary();
    let rule = Rule::accepted("000000 or 000004", "000000 或 000004");
    console.shoot(&format!("{case}-first"), sent.clone(), &shot, &rule);
    let rule = parameter("the same nonce again: 000002", "nonce 重复:000002");
    console.shoot(case, format!("{sent}, byte for byte again"), &shot, &rule);
    Ok(())
}

/// What every signed interface refuses: no signature, a wrong one, old and future calls, the keys
/// of other interface types.
pub(super) fn signature_of(
    console: &mut Console<'_>,
    seller: &Seller,
    message: &Message,
) -> anyhow::Result<()> {
    let wrong = Rule::code(AUTHENTICATION, "wrong signature: 000001", "签名错误:000001");
    let sent = message.summary();
    let shot = seller.sign_as(&message.json(), "{}")?;
    console.shoot("wrong-signature", format!("{sent}, another body signed"), &shot, &wrong);
    let stale = parameter("the window is 60 s, both ways", "时间窗前后各 60 秒");
    for (case, timestamp) in
        [("stale-past", seller.now_ms() - FAR), ("stale-future", seller.now_ms() + FAR)]
    {
        let mut shot = seller.sign(message.json())?;
        shot.query = seller.query(&shot.body, timestamp)?;
        console.shoot(case, format!("{sent}, timestamp {timestamp}"), &shot, &stale);
    }
    foreign_keys(console, seller, message)
}

/// One key an interface type: what another one signed is not ours.
pub(super) fn foreign_keys(
    console: &mut Console<'_>,
    seller: &Seller,
    message: &Message,
) -> anyhow::Result<()> {
    let rule = Rule::code(
        AUTHENTICATION,
        "each interface type has its own key: 000001",
        "各接口类型使用各自的密钥:000001",
    );
    for (name, other) in strangers(console.sellers, seller) {
        let sent = format!("{}, signed with the {name} key", message.summary());
        let shot = other.sign(message.json())?;
        console.shoot("foreign-key", sent, &shot, &rule);
    }
    Ok(())
}

/// The endpoint under the keys of the other interface types.
pub(super) fn strangers<'a>(
    sellers: &'a Sellers,
    seller: &Seller,
) -> Vec<(&'static str, &'a Seller)> {
    let all = [
        ("basic", Some(&sellers.basic)),
        ("license-code", sellers.license_code.as_ref()),
        ("general", sellers.general.as_ref()),
        ("kit", sellers.kit.as_ref()),
    ];
    let others = all.into_iter().filter_map(|(name, other)| Some((name, other?)));
    others.filter(|(_, other)| !other.key().same(seller.key())).collect()
}

fn instances(console: &mut Console<'_>) -> anyhow::Result<()> {
    let nowhere = format!("NOWHERE-{}", console.seller.fresh::<8>()?);
    let rule = Rule::code(UNKNOWN, "unknown instance: 000003", "实例不存在:000003");
    for message in
        [console.update("RENEWAL"), console.status("FREEZE"), console.release(), console.license()]
    {
        console.call("instance-unknown", &message.with("instanceId", &nowhere), &rule)?;
    }
    let rule = parameter("at most 100 instances: 000002", "最多 100 个实例:000002");
    let ids = vec!["i"; 101].join(",");
    console.call("query-101", &console.query().with("instanceId", ids), &rule)?;
    let rule = parameter("unknown activity: 000002", "未知 activity:000002");
    console.call("activity-unknown", &Message::test("orderPizza"), &rule)?;
    console.call("activity-missing", &console.create()?.without("activity"), &rule)
}

fn bodies(console: &mut Console<'_>) -> anyhow::Result<()> {
    let body = console.create()?.json();
    let order = &console.subject.order;
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
        let shot = console.seller.sign(bytes)?;
        console.shoot(case, sent.to_owned(), &shot, &rule);
    }
    let rule = Rule::status(413, "over 64 KiB: HTTP 413", "超过 64 KiB:HTTP 413");
    let message = console.create_padded(BODY_LIMIT + 1)?;
    let shot = console.seller.sign(message.json())?;
    console.shoot("body-too-large", "newInstance of 64 KiB and one byte".to_owned(), &shot, &rule);
    let mut shot = console.seller.sign(console.create()?.json())?;
    shot.method = Method::PUT;
    let rule = Rule::status(405, "wrong method: HTTP 405", "方法错误:HTTP 405");
    console.shoot("method", "PUT instead of POST".to_owned(), &shot, &rule);
    Ok(())
}
