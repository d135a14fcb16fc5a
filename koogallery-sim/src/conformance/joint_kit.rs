//! The joint-operation kit: five interfaces on paths of their own, in both editions.

use koogallery::Edition;
use koogallery::auth_token;
use koogallery::kit::{KitInterface, LIMIT, signature};
use serde_json::{Value, json};
use ureq::http::Method;

use super::chapters;
use super::expectation::Rule;
use super::refusals::{AUTHENTICATION, OUTSIDE_WINDOW_MS, parameter, strangers};
use super::suite::Conformance;
use crate::endpoint::{Endpoint, EndpointError, SignedRequest};
use crate::message::Message;
use crate::time::stamp;

/// 384 bytes that no key has encrypted: what a debugging call carries instead of a secret.
const SECRET: &str = "Wlpa";

pub(super) fn run(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let Some(endpoint) = suite.endpoints.kit.as_ref() else {
        suite.skip("kit", chapters::KIT, "--kit-key-file");
        return Ok(());
    };
    for edition in [Edition::V2, Edition::V1] {
        for interface in KitInterface::ALL {
            good(suite, endpoint, *interface, edition)?;
        }
        refusals(suite, endpoint, edition)?;
    }
    Ok(())
}

/// Add, again, change, delete, again; a delete asks for no instance.
fn good(
    suite: &mut Conformance<'_>,
    endpoint: &Endpoint,
    interface: KitInterface,
    edition: Edition,
) -> Result<(), EndpointError> {
    let flags: &[(&str, u8)] = match (interface, edition) {
        (KitInterface::SingleOrgSync | KitInterface::AllOrgSync, _) => &[("add", 1), ("again", 1)],
        (KitInterface::AuthSync, _) | (_, Edition::V2) => &[
            ("add", 1),
            ("again", 1),
            ("change", 2),
            ("change-again", 2),
            ("delete", 0),
            ("delete-again", 0),
        ],
        (_, Edition::V1) => &[("add", 1), ("again", 1), ("delete", 0), ("delete-again", 0)],
    };
    let name = interface.as_str();
    for (word, flag) in flags {
        let rule = Rule::done("000000, however often", "000000,可重复调用");
        let message = body(suite, interface, *flag);
        let request = sign(endpoint, interface, edition, &message)?;
        let sent = format!("{name} {}, flag {flag}", printing(edition));
        send_raw(suite, &format!("kit-{word}"), sent, &request, &rule);
    }
    let rule = Rule::done("a delete asks for no instance: 000000", "删除不校验实例:000000");
    if !matches!(interface, KitInterface::SingleOrgSync | KitInterface::AllOrgSync) {
        let message = body(suite, interface, 0).with("instanceId", "NOWHERE");
        let request = sign(endpoint, interface, edition, &message)?;
        let sent = format!("{name} {}, delete, unknown instance", printing(edition));
        send_raw(suite, "kit-delete-unknown", sent, &request, &rule);
    }
    if interface == KitInterface::AuthSync {
        let rule = Rule::done("500 users a call", "每次最多 500 个用户");
        let message = body(suite, interface, 1).with("userList", users(500));
        let request = sign(endpoint, interface, edition, &message)?;
        send_raw(suite, "kit-users-500", format!("{name} of 500 users"), &request, &rule);
        let rule = parameter("over 500 users: 000002", "超过 500 个用户:000002");
        let message = body(suite, interface, 1).with("userList", users(501));
        let request = sign(endpoint, interface, edition, &message)?;
        send_raw(suite, "kit-users-501", format!("{name} of 501 users"), &request, &rule);
    }
    fields(suite, endpoint, interface, edition)
}

fn fields(
    suite: &mut Conformance<'_>,
    endpoint: &Endpoint,
    interface: KitInterface,
    edition: Edition,
) -> Result<(), EndpointError> {
    let names: &[&str] = match interface {
        KitInterface::TenantSync => &["tenantId", "tenantCode", "name", "domainName", "flag"],
        KitInterface::ApplicationSync => {
            &["instanceId", "tenantId", "appId", "clientId", "clientSecret", "flag"]
        }
        KitInterface::AuthSync => {
            &["instanceId", "tenantId", "appId", "userList", "currentSyncTime", "flag"]
        }
        // Their bodies are not public.
        KitInterface::SingleOrgSync | KitInterface::AllOrgSync => return Ok(()),
    };
    let missing = parameter("mandatory, so 000002", "必填字段,缺少时为 000002");
    for name in names {
        let message = body(suite, interface, 1).without(name);
        let request = sign(endpoint, interface, edition, &message)?;
        let sent = format!("{} {} without {name}", interface.as_str(), printing(edition));
        send_raw(suite, "kit-missing", sent, &request, &missing);
    }
    let long = parameter("over its length: 000002", "超过长度:000002");
    let message = body(suite, interface, 1).with("tenantId", "9".repeat(65));
    let request = sign(endpoint, interface, edition, &message)?;
    send_raw(suite, "kit-too-long", format!("{}, tenantId", interface.as_str()), &request, &long);
    let flag = parameter("flag is 0, 1 or 2: 000002", "flag 取值 0、1、2:000002");
    let request = sign(endpoint, interface, edition, &body(suite, interface, 3))?;
    send_raw(suite, "kit-flag", format!("{}, flag 3", interface.as_str()), &request, &flag);
    Ok(())
}

fn refusals(
    suite: &mut Conformance<'_>,
    endpoint: &Endpoint,
    edition: Edition,
) -> Result<(), EndpointError> {
    let interface = KitInterface::TenantSync;
    let message = body(suite, interface, 1);
    let sent = |what: &str| format!("tenantSync {}, {what}", printing(edition));
    let whole = sign(endpoint, interface, edition, &message)?;

    let unsigned =
        Rule::code(&["000001", "000002"], "nothing unsigned is accepted", "不接受未签名的请求");
    let request = SignedRequest { headers: Vec::new(), ..whole.clone() };
    send_raw(suite, "kit-unsigned", sent("no signature"), &request, &unsigned);
    let wrong = Rule::code(AUTHENTICATION, "wrong signature: 000001", "签名错误:000001");
    let other = message.clone().with("name", "another").json().into_bytes();
    let request = SignedRequest { body: other, ..whole.clone() };
    send_raw(suite, "kit-wrong-signature", sent("another body signed"), &request, &wrong);
    if edition == Edition::V2 {
        let stale = parameter("the window is 60 s, both ways", "时间窗前后各 60 秒");
        for (case, far) in
            [("kit-stale-past", -OUTSIDE_WINDOW_MS), ("kit-stale-future", OUTSIDE_WINDOW_MS)]
        {
            let request = sign_v2(endpoint, interface, message.json(), endpoint.now_ms() + far)?;
            send_raw(suite, case, sent("at another time"), &request, &stale);
        }
        let reversed =
            SignedRequest { body: message.json_reversed().into_bytes(), ..whole.clone() };
        let rule = Rule::done("another spelling of the same call", "同一调用的另一种写法");
        let what = sent("members in descending order, signed ascending");
        send_raw(suite, "kit-reordered", what, &reversed, &rule);
    }
    let foreign = Rule::code(
        AUTHENTICATION,
        "each interface type has its own key: 000001",
        "各接口类型使用各自的密钥:000001",
    );
    for (name, other) in strangers(suite.endpoints, endpoint) {
        let request = sign(other, interface, edition, &message)?;
        let what = sent(&format!("signed with the {name} key"));
        send_raw(suite, "kit-foreign-key", what, &request, &foreign);
    }
    let large = Rule::status(413, "over 1 MiB: HTTP 413", "超过 1 MiB:HTTP 413");
    let message = message.with("zPadding", "x".repeat(LIMIT));
    let request = sign(endpoint, interface, edition, &message)?;
    send_raw(suite, "kit-too-large", sent("over 1 MiB"), &request, &large);
    let request = SignedRequest { path: format!("{}x", whole.path), ..whole };
    let nowhere = Rule::status(404, "no such interface: HTTP 404", "接口不存在:HTTP 404");
    send_raw(suite, "kit-path", sent("another path"), &request, &nowhere);
    Ok(())
}

const fn printing(edition: Edition) -> &'static str {
    match edition {
        Edition::V1 => "V1",
        Edition::V2 => "V2",
    }
}

fn body(suite: &Conformance<'_>, interface: KitInterface, flag: u8) -> Message {
    let now = suite.endpoint.now_ms();
    // The kit's own time stamp is in China's time.
    let time_stamp = format!("{}000", stamp("%Y%m%d%H%M%S", now / 1000 + 8 * 3600));
    let message = Message::bare()
        .with("instanceId", &suite.instance)
        .with("tenantId", "debug-tenant")
        .with_json("flag", flag)
        .with_json("testFlag", 1)
        .with("timeStamp", &time_stamp);
    match interface {
        KitInterface::TenantSync => message
            .with("orderId", &suite.subject.order)
            .with("tenantCode", "debug")
            .with("name", "示例工业软件(深圳)有限公司")
            .with("domainName", "https://debug.example.com"),
        KitInterface::ApplicationSync => message
            .with("appId", "debug-app")
            .with("clientId", "debug-client")
            .with("clientSecret", SECRET.repeat(128)),
        KitInterface::AuthSync => message
            .with("appId", "debug-app")
            .with("userList", users(1))
            .with("currentSyncTime", time_stamp),
        KitInterface::SingleOrgSync | KitInterface::AllOrgSync => {
            message.with("orgCode", "D1").with("orgName", "研发部")
        }
    }
}

fn users(count: usize) -> String {
    let users: Vec<Value> = (0..count)
        .map(|n| {
            json!({
                "userName": format!("debug_user_{n}"), "name": "张三", "orgCode": "D1",
                "role": "user", "enable": "true",
            })
        })
        .collect();
    Value::from(users).to_string()
}

fn sign(
    endpoint: &Endpoint,
    interface: KitInterface,
    edition: Edition,
    message: &Message,
) -> Result<SignedRequest, EndpointError> {
    if edition == Edition::V2 {
        return sign_v2(endpoint, interface, message.json(), endpoint.now_ms());
    }
    let texts = message.texts();
    let filled = texts.iter().filter(|(_, text)| !text.trim().is_empty());
    let token = auth_token::sign(endpoint.key(), filled.map(|(name, text)| (*name, text.as_str())));
    Ok(request(interface, edition, vec![(auth_token::NAME, token)], message.json()))
}

fn sign_v2(
    endpoint: &Endpoint,
    interface: KitInterface,
    body: String,
    at_ms: i64,
) -> Result<SignedRequest, EndpointError> {
    let nonce = endpoint.fresh::<32>()?.to_uppercase();
    let signed = signature::sign(endpoint.key(), body.as_bytes(), &nonce, at_ms);
    let headers = vec![
        (signature::SIGN, signed.signature),
        (signature::TIMESTAMP, signed.timestamp),
        (signature::NONCE, signed.nonce),
    ];
    Ok(request(interface, Edition::V2, headers, body))
}

fn request(
    interface: KitInterface,
    edition: Edition,
    headers: Vec<(&'static str, String)>,
    body: String,
) -> SignedRequest {
    let (path, query) = (interface.path(edition), String::new());
    SignedRequest { method: Method::POST, path, headers, query, body: body.into_bytes() }
}

fn send_raw(
    suite: &mut Conformance<'_>,
    case: &str,
    sent: String,
    request: &SignedRequest,
    rule: &Rule,
) {
    let rule = rule.clone().of(chapters::KIT);
    suite.send_raw(case, sent, request, &rule);
}
