//! The order notification, under the general interfaces' key.

use super::refusals::{mandatory, signature_of};
use super::{Console, Rule, guide};
use crate::market::message::Message;

pub(super) fn run(console: &mut Console<'_>) -> anyhow::Result<()> {
    let Some(seller) = console.sellers.general.as_ref() else {
        console.skip("notify", guide::NOTIFY, "--general-key-file");
        return Ok(());
    };
    let message = Message::test("orderNotify")
        .with("orderId", &console.subject.order)
        .with("orderLineId", &console.subject.line);
    console.call_by(seller, "notify", &message, &Rule::done("000000", "000000"))?;
    let again = Rule::done("a re-send succeeds again", "重发仍然成功");
    console.call_by(seller, "notify-again", &message, &again)?;
    let shot = seller.sign_as(&message.json_reversed(), &message.json())?;
    let rule = Rule::done("another spelling of the same call", "同一调用的另一种写法");
    let sent = "orderNotify, members in descending order".to_owned();
    console.shoot("reordered-canonical", sent, &shot, &rule);
    mandatory(console, seller, &message, &["orderId", "orderLineId"])?;
    signature_of(console, seller, &message)
}
