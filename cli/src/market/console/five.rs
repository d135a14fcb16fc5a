//! The five cases of the debugging page, their re-sends and other orders of them.

use super::{Console, Expected, Rule};
use crate::market::message::Message;

const DONE: (&str, &str) = ("000000", "000000");
const AGAIN: (&str, &str) = ("a re-send succeeds again", "重发仍然成功");

/// Orders of the five beside the page's own: what is saved is probed in any order, for years.
const ORDERS: [(&str, [Step; 5]); 4] = [
    ("order-reversed", [Step::License, Step::Release, Step::Status, Step::Update, Step::Create]),
    (
        "order-release-first",
        [Step::Release, Step::Create, Step::License, Step::Status, Step::Update],
    ),
    (
        "order-frozen-license",
        [Step::Status, Step::License, Step::Update, Step::Create, Step::Release],
    ),
    ("order-console", [Step::Create, Step::Update, Step::Status, Step::Release, Step::License]),
];

#[derive(Clone, Copy, Debug)]
enum Step {
    Create,
    Update,
    Status,
    Release,
    License,
}

pub(super) fn run(console: &mut Console<'_>) -> anyhow::Result<()> {
    let same = Rule::instance(
        &console.instance,
        "same order and line: the same instanceId, whatever the businessId",
        "同一订单和订单行:返回相同的 instanceId,与 businessId 无关",
    );
    console.call("create-again", &console.create()?, &same)?;
    let shot = console.seller.sign(console.create()?.json())?;
    let sent = || "newInstance, byte for byte the same".to_owned();
    console.shoot("create-identical", "newInstance".to_owned(), &shot, &same);
    console.shoot("create-identical-again", sent(), &shot, &same);

    for (case, scene) in [
        ("update-trial", "TRIAL_TO_FORMAL"),
        ("update-renewal", "RENEWAL"),
        ("update-refund", "UNSUBSCRIBE_RENEWAL_PERIOD"),
        ("update-change", "RENEWAL_CHANGE"),
    ] {
        console.call(case, &console.update(scene), &Rule::done(DONE.0, DONE.1))?;
        let rule = Rule::done(AGAIN.0, AGAIN.1);
        console.call(&format!("{case}-again"), &console.update(scene), &rule)?;
    }
    for (case, status) in [("freeze", "FREEZE"), ("unfreeze", "UNFREEZE")] {
        console.call(case, &console.status(status), &Rule::done(DONE.0, DONE.1))?;
        let rule = Rule::done(AGAIN.0, AGAIN.1);
        console.call(&format!("{case}-again"), &console.status(status), &rule)?;
    }
    console.call("release", &console.release(), &Rule::done(DONE.0, DONE.1))?;
    console.call("release-again", &console.release(), &Rule::done(AGAIN.0, AGAIN.1))?;
    let license = Rule::accepted(
        "000004 (the license is uploaded) or 000000",
        "000004(随后上传 License)或 000000",
    );
    console.call("license", &console.license(), &license)?;
    let again = Rule::accepted(
        "same event and fingerprint: accepted again",
        "相同 eventId 和指纹:再次接受",
    );
    console.call("license-again", &console.license(), &again)?;
    let information = Rule::new(
        Expected::Information(console.instance.clone()),
        "000000, and info names the instance with its appInfo",
        "000000,info 中有该实例及其 appInfo",
    );
    console.call("query", &console.query(), &information)?;
    orders(console)
}

/// Each order twice over; every answer as when the case was sent alone.
fn orders(console: &mut Console<'_>) -> anyhow::Result<()> {
    for (case, order) in ORDERS {
        let rule = Rule::done(
            "as in every other order: test instances survive everything",
            "与其他顺序的应答相同:测试实例不受影响",
        );
        let mut calls = Vec::new();
        for step in order.into_iter().chain(order) {
            calls.push(step.call(console)?);
        }
        let names: Vec<_> = calls[..order.len()].iter().map(|(call, _)| call.summary()).collect();
        let sent = format!("{}; the same again", names.join(", "));
        console.series(case, sent, &calls, &rule)?;
    }
    Ok(())
}

impl Step {
    fn call(self, console: &Console<'_>) -> anyhow::Result<(Message, Expected)> {
        let done = Expected::Code(&["000000"]);
        Ok(match self {
            Self::Create => (console.create()?, Expected::Instance(console.instance.clone())),
            Self::Update => (console.update("RENEWAL"), done),
            Self::Status => (console.status("FREEZE"), done),
            Self::Release => (console.release(), done),
            Self::License => (console.license(), Expected::Code(&["000000", "000004"])),
        })
    }
}
