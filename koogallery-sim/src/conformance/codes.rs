//! The three calls about an authorization code, under their own key.

use super::chapters;
use super::expectation::Rule;
use super::refusals::{mandatory, parameter, replayed, signature_of};
use super::suite::Conformance;
use crate::endpoint::{Endpoint, EndpointError};
use crate::message::Message;

pub(super) fn run(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let Some(endpoint) = suite.endpoints.license_code.as_ref() else {
        suite.skip("codes", chapters::CODES, "--license-code-key-file");
        return Ok(());
    };
    let refresh = |scene: &str, suite: &Conformance<'_>| {
        Message::test("refreshLicenseCode")
            .with("scene", scene)
            .with("orderId", &suite.subject.order)
            .with("orderLineId", &suite.subject.line)
            .with("license", &suite.subject.code)
            .with("expireTime", suite.stamp("%Y%m%d%H%M%S", 365))
    };
    let status = |word: &str, suite: &Conformance<'_>| {
        Message::test("updateLicenseCodeStatus")
            .with("license", &suite.subject.code)
            .with("status", word)
    };
    let release = Message::test("releaseLicenseCode").with("license", &suite.subject.code);
    let good = [
        ("code-renewal", refresh("RENEWAL", suite)),
        ("code-refund", refresh("UNSUBSCRIBE_RENEWAL_PERIOD", suite)),
        ("code-freeze", status("FREEZE", suite)),
        ("code-unfreeze", status("UNFREEZE", suite)),
        ("code-release", release.clone()),
        ("code-release-order", release.clone().with("orderId", &suite.subject.order)),
        // Saved cases are probed in any order, for years.
        ("code-renewal-after-release", refresh("RENEWAL", suite)),
        ("code-freeze-after-release", status("FREEZE", suite)),
    ];
    for (case, message) in &good {
        let rule = Rule::done("000000", "000000");
        suite.call_by(endpoint, case, message, &rule)?;
        let rule = Rule::done("a re-send succeeds again", "重发仍然成功");
        suite.call_by(endpoint, &format!("{case}-again"), message, &rule)?;
    }
    let renewal = refresh("RENEWAL", suite);
    forms(suite, endpoint, &renewal)?;
    let freeze = status("FREEZE", suite);
    for (case, message) in [
        ("code-renewal-replayed", &renewal),
        ("code-freeze-replayed", &freeze),
        ("code-release-replayed", &release),
    ] {
        replayed(suite, endpoint, case, message)?;
    }
    let fields = ["scene", "orderId", "orderLineId", "license", "expireTime"];
    mandatory(suite, endpoint, &renewal, &fields)?;
    mandatory(suite, endpoint, &freeze, &["license", "status"])?;
    mandatory(suite, endpoint, &release, &["license"])?;
    let rule = parameter("a value that is not in the list: 000002", "取值不在列表中:000002");
    suite.call_by(endpoint, "code-status-unknown", &status("THAW", suite), &rule)?;
    let rule = parameter("no time: 000002", "不是时间:000002");
    suite.call_by(endpoint, "no-time", &renewal.clone().with("expireTime", "tomorrow"), &rule)?;
    for message in [&renewal, &freeze, &release] {
        signature_of(suite, endpoint, message)?;
    }
    Ok(())
}

fn forms(
    suite: &mut Conformance<'_>,
    endpoint: &Endpoint,
    message: &Message,
) -> Result<(), EndpointError> {
    let rule = Rule::done("another spelling of the same call", "同一调用的另一种写法");
    let sent = "refreshLicenseCode, members in descending order".to_owned();
    let request = endpoint.sign(message.json_reversed())?;
    suite.send_raw("reordered", sent.clone(), &request, &rule);
    let request = endpoint.sign_as(&message.json_reversed(), &message.json())?;
    suite.send_raw("reordered-canonical", format!("{sent}, signed ascending"), &request, &rule);
    let seventeen = suite.stamp("%Y%m%d%H%M%S", 365) + "256";
    let rule = Rule::done("14 or 17 digits", "14 位或 17 位数字");
    suite.call_by(endpoint, "code-17-digits", &message.clone().with("expireTime", seventeen), &rule)
}
