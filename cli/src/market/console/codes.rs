//! The three calls about an authorization code, under their own key.

use super::refusals::{mandatory, parameter, replayed, signature_of};
use super::{Console, Rule, guide};
use crate::market::message::Message;
use crate::market::seller::Seller;

pub(super) fn run(console: &mut Console<'_>) -> anyhow::Result<()> {
    let Some(seller) = console.sellers.license_code.as_ref() else {
        console.skip("codes", guide::CODES, "--license-code-key-file");
        return Ok(());
    };
    let refresh = |scene: &str, console: &Console<'_>| {
        Message::test("refreshLicenseCode")
            .with("scene", scene)
            .with("orderId", &console.subject.order)
            .with("orderLineId", &console.subject.line)
            .with("license", &console.subject.code)
            .with("expireTime", console.stamp("%Y%m%d%H%M%S", 365))
    };
    let status = |word: &str, console: &Console<'_>| {
        Message::test("updateLicenseCodeStatus")
            .with("license", &console.subject.code)
            .with("status", word)
    };
    let release = Message::test("releaseLicenseCode").with("license", &console.subject.code);
    let good = [
        ("code-renewal", refresh("RENEWAL", console)),
        ("code-refund", refresh("UNSUBSCRIBE_RENEWAL_PERIOD", console)),
        ("code-freeze", status("FREEZE", console)),
        ("code-unfreeze", status("UNFREEZE", console)),
        ("code-release", release.clone()),
        ("code-release-order", release.clone().with("orderId", &console.subject.order)),
        // Saved cases are probed in any order, for years.
        ("code-renewal-after-release", refresh("RENEWAL", console)),
        ("code-freeze-after-release", status("FREEZE", console)),
    ];
    for (case, message) in &good {
        let rule = Rule::done("000000", "000000");
        console.call_by(seller, case, message, &rule)?;
        let rule = Rule::done("a re-send succeeds again", "重发仍然成功");
        console.call_by(seller, &format!("{case}-again"), message, &rule)?;
    }
    let renewal = refresh("RENEWAL", console);
    forms(console, seller, &renewal)?;
    let freeze = status("FREEZE", console);
    for (case, message) in [
        ("code-renewal-replayed", &renewal),
        ("code-freeze-replayed", &freeze),
        ("code-release-replayed", &release),
    ] {
        replayed(console, seller, case, message)?;
    }
    let fields = ["scene", "orderId", "orderLineId", "license", "expireTime"];
    mandatory(console, seller, &renewal, &fields)?;
    mandatory(console, seller, &freeze, &["license", "status"])?;
    mandatory(console, seller, &release, &["license"])?;
    let rule = parameter("a value that is not in the list: 000002", "取值不在列表中:000002");
    console.call_by(seller, "code-status-unknown", &status("THAW", console), &rule)?;
    let rule = parameter("no time: 000002", "不是时间:000002");
    console.call_by(seller, "no-time", &renewal.clone().with("expireTime", "tomorrow"), &rule)?;
    for message in [&renewal, &freeze, &release] {
        signature_of(console, seller, message)?;
    }
    Ok(())
}

fn forms(console: &mut Console<'_>, seller: &Seller, message: &Message) -> anyhow::Result<()> {
    let rule = Rule::done("another spelling of the same call", "同一调用的另一种写法");
    let sent = "refreshLicenseCode, members in descending order".to_owned();
    let shot = seller.sign(message.json_reversed())?;
    console.shoot("reordered", sent.clone(), &shot, &rule);
    let shot = seller.sign_as(&message.json_reversed(), &message.json())?;
    console.shoot("reordered-canonical", format!("{sent}, signed ascending"), &shot, &rule);
    let seventeen = console.stamp("%Y%m%d%H%M%S", 365) + "256";
    let rule = Rule::done("14 or 17 digits", "14 位或 17 位数字");
    console.call_by(seller, "code-17-digits", &message.clone().with("expireTime", seventeen), &rule)
}
