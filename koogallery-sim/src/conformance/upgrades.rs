//! Upgrades, the question whether a renewal may change the product, and large queries.

use serde_json::json;

use super::expectation::{Expectation, Rule};
use super::refusals::{UNKNOWN, mandatory, parameter, replayed, signature_of};
use super::suite::Conformance;
use crate::endpoint::EndpointError;
use crate::message::Message;

pub(super) fn run(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    upgrade(suite)?;
    check(suite)?;
    queries(suite)
}

fn upgrade(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let message = Message::test("upgradeInstance")
        .with("instanceId", &suite.instance)
        .with("orderId", &suite.subject.order)
        .with("orderLineId", &suite.subject.line);
    let rule = Rule::accepted("000000 or 000004", "000000 或 000004");
    suite.call("upgrade", &message, &rule)?;
    let rule = Rule::accepted("a re-send succeeds again", "重发仍然成功");
    suite.call("upgrade-again", &message, &rule)?;
    let endpoint = suite.endpoint;
    replayed(suite, endpoint, "upgrade-replayed", &message)?;
    mandatory(suite, endpoint, &message, &["instanceId", "orderId", "orderLineId"])?;
    signature_of(suite, endpoint, &message)?;
    let rule = Rule::code(UNKNOWN, "unknown instance: 000003", "实例不存在:000003");
    suite.call("instance-unknown", &message.with("instanceId", "NOWHERE"), &rule)
}

fn check(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let product = suite.subject.product.as_deref().unwrap_or("OFFI846204237451911168");
    let product = json!({
        "productId": product, "skuCode": "0a4d1578-5295-46a7-92d4-7c803dccc51d", "linearValue": 50,
    });
    let message = Message::test("changeInstanceCheck").with("instanceId", &suite.instance);
    let rule = Rule::done("000000: the change is possible", "000000:可以变更");
    suite.call("check", &message.clone().with_json("productInfo", product.clone()), &rule)?;
    let text = message.clone().with("productInfo", product.to_string());
    let rule = Rule::done("productInfo may be JSON in a text", "productInfo 可为 JSON 字符串");
    suite.call("check-text", &text, &rule)?;
    let rule = Rule::done("a re-send succeeds again", "重发仍然成功");
    suite.call("check-again", &text, &rule)?;

    let wrong =
        parameter("mandatory, an object with a productId: 000002", "必填对象,含 productId:000002");
    suite.call("check-no-product", &message, &wrong)?;
    for (case, value) in [
        ("check-product-text", json!("a product")),
        ("check-product-empty", json!({})),
        ("check-product-list", json!([])),
    ] {
        suite.call(case, &message.clone().with_json("productInfo", value), &wrong)?;
    }
    let rule = Rule::code(UNKNOWN, "unknown instance: 000003", "实例不存在:000003");
    suite.call("instance-unknown", &text.clone().with("instanceId", "NOWHERE"), &rule)?;
    let endpoint = suite.endpoint;
    mandatory(suite, endpoint, &text, &["instanceId"])
}

fn queries(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let others: Vec<String> = (0..99).map(|n| format!("NOWHERE-{n}")).collect();
    let ids = format!("{},{}", suite.instance, others.join(","));
    let message = suite.query().with("instanceId", ids);
    let information = Expectation::Information(suite.instance.clone());
    let rule = Rule::new(
        information,
        "100 instances are answered, unknown ones left out",
        "可查询 100 个实例,不存在的略去",
    );
    let request = suite.endpoint.sign(message.json())?;
    suite.send_raw("query-100", "queryInstance of 100".to_owned(), &request, &rule);
    let rule = Rule::code(
        &["000003", "000000"],
        "nothing is known: 000003, or an empty info",
        "均不存在:000003 或空 info",
    );
    suite.call("query-unknown", &suite.query().with("instanceId", "NOWHERE"), &rule)?;
    let rule = parameter("no instance: 000002", "没有实例:000002");
    suite.call("query-none", &suite.query().with("instanceId", ""), &rule)?;
    suite.call("query-commas", &suite.query().with("instanceId", ",,"), &rule)?;
    let endpoint = suite.endpoint;
    let message = suite.query();
    signature_of(suite, endpoint, &message)
}
