//! The order notification, under the general interfaces' key.

use super::chapters;
use super::expectation::Rule;
use super::refusals::{mandatory, signature_of};
use super::suite::Conformance;
use crate::endpoint::EndpointError;
use crate::message::Message;

pub(super) fn run(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let Some(endpoint) = suite.endpoints.general.as_ref() else {
        suite.skip("notify", chapters::NOTIFY, "--general-key-file");
        return Ok(());
    };
    let message = Message::test("orderNotify")
        .with("orderId", &suite.subject.order)
        .with("orderLineId", &suite.subject.line);
    suite.call_by(endpoint, "notify", &message, &Rule::done("000000", "000000"))?;
    let again = Rule::done("a re-send succeeds again", "重发仍然成功");
    suite.call_by(endpoint, "notify-again", &message, &again)?;
    let request = endpoint.sign_as(&message.json_reversed(), &message.json())?;
    let rule = Rule::done("another spelling of the same call", "同一调用的另一种写法");
    let sent = "orderNotify, members in descending order".to_owned();
    suite.send_raw("reordered-canonical", sent, &request, &rule);
    mandatory(suite, endpoint, &message, &["orderId", "orderLineId"])?;
    signature_of(suite, endpoint, &message)
}
