//! Upgrades, the question whether a renewal may change the product, and large queries.

use serde_json::json;

use super::refusals::{UNKNOWN, mandatory, parameter, replayed, signature_of};
use super::{Console, Expected, Rule};
use crate::market::message::Message;

pub(super) fn run(console: &mut Console<'_>) -> anyhow::Result<()> {
    upgrade(console)?;
    check(console)?;
    queries(console)
}

fn upgrade(console: &mut Console<'_>) -> anyhow::Result<()> {
    let message = Message::test("upgradeInstance")
        .with("instanceId", &console.instance)
        .with("orderId", &console.subject.order)
        .with("orderLineId", &console.subject.line);
    let rule = Rule::accepted("000000 or 000004", "000000 或 000004");
    console.call("upgrade", &message, &rule)?;
    let rule = Rule::accepted("a re-send succeeds again", "重发仍然成功");
    console.call("upgrade-again", &message, &rule)?;
    let seller = console.seller;
    replayed(console, seller, "upgrade-replayed", &message)?;
    mandatory(console, seller, &message, &["instanceId", "orderId", "orderLineId"])?;
    signature_of(console, seller, &message)?;
    let rule = Rule::code(UNKNOWN, "unknown instance: 000003", "实例不存在:000003");
    console.call("instance-unknown", &message.with("instanceId", "NOWHERE"), &rule)
}

fn check(console: &mut Console<'_>) -> anyhow::Result<()> {
    let product = console.subject.product.as_deref().unwrap_or("OFFI846204237451911168");
    let product = json!({
        "productId": product, "skuCode": "0a4d1578-5295-46a7-92d4-7c803dccc51d", "linearValue": 50,
    });
    let message = Message::test("changeInstanceCheck").with("instanceId", &console.instance);
    let rule = Rule::done("000000: the change is possible", "000000:可以变更");
    console.call("check", &message.clone().with_json("productInfo", product.clone()), &rule)?;
    let text = message.clone().with("productInfo", product.to_string());
    let rule = Rule::done("productInfo may be JSON in a text", "productInfo 可为 JSON 字符串");
    console.call("check-text", &text, &rule)?;
    let rule = Rule::done("a re-send succeeds again", "重发仍然成功");
    console.call("check-again", &text, &rule)?;

    let wrong =
        parameter("mandatory, an object with a productId: 000002", "必填对象,含 productId:000002");
    console.call("check-no-product", &message, &wrong)?;
    for (case, value) in [
        ("check-product-text", json!("a product")),
        ("check-product-empty", json!({})),
        ("check-product-list", json!([])),
    ] {
        console.call(case, &message.clone().with_json("productInfo", value), &wrong)?;
    }
    let rule = Rule::code(UNKNOWN, "unknown instance: 000003", "实例不存在:000003");
    console.call("instance-unknown", &text.clone().with("instanceId", "NOWHERE"), &rule)?;
    let seller = console.seller;
    mandatory(console, seller, &text, &["instanceId"])
}

fn queries(console: &mut Console<'_>) -> anyhow::Result<()> {
    let others: Vec<String> = (0..99).map(|n| format!("NOWHERE-{n}")).collect();
    let ids = format!("{},{}", console.instance, others.join(","));
    let message = console.query().with("instanceId", ids);
    let information = Expected::Information(console.instance.clone());
    let rule = Rule::new(
        information,
        "100 instances are answered, unknown ones left out",
        "可查询 100 个实例,不存在的略去",
    );
    let shot = console.seller.sign(message.json())?;
    console.shoot("query-100", "queryInstance of 100".to_owned(), &shot, &rule);
    let rule = Rule::code(
        &["000003", "000000"],
        "nothing is known: 000003, or an empty info",
        "均不存在:000003 或空 info",
    );
    console.call("query-unknown", &console.query().with("instanceId", "NOWHERE"), &rule)?;
    let rule = parameter("no instance: 000002", "没有实例:000002");
    console.call("query-none", &console.query().with("instanceId", ""), &rule)?;
    console.call("query-commas", &console.query().with("instanceId", ",,"), &rule)?;
    let seller = console.seller;
    let message = console.query();
    signature_of(console, seller, &message)
}
