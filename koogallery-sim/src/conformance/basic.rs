//! The five cases of the debugging page, their re-sends and other orders of them.

use super::expectation::{Expectation, Rule};
use super::suite::Conformance;
use crate::endpoint::EndpointError;
use crate::message::Message;

const DONE: (&str, &str) = ("000000", "000000");
const AGAIN: (&str, &str) = ("a re-send succeeds again", "重发仍然成功");

/// Orders of the five beside the page's own: what is saved is probed in any order, for years.
const ORDERS: [(&str, [BasicStep; 5]); 4] = [
    (
        "order-reversed",
        [
            BasicStep::License,
            BasicStep::Release,
            BasicStep::Status,
            BasicStep::Update,
            BasicStep::Create,
        ],
    ),
    (
        "order-release-first",
        [
            BasicStep::Release,
            BasicStep::Create,
            BasicStep::License,
            BasicStep::Status,
            BasicStep::Update,
        ],
    ),
    (
        "order-frozen-license",
        [
            BasicStep::Status,
            BasicStep::License,
            BasicStep::Update,
            BasicStep::Create,
            BasicStep::Release,
        ],
    ),
    (
        "order-console",
        [
            BasicStep::Create,
            BasicStep::Update,
            BasicStep::Status,
            BasicStep::Release,
            BasicStep::License,
        ],
    ),
];

#[derive(Clone, Copy, Debug)]
enum BasicStep {
    Create,
    Update,
    Status,
    Release,
    License,
}

pub(super) fn run(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let same = Rule::instance(
        &suite.instance,
        "same order and line: the same instanceId, whatever the businessId",
        "同一订单和订单行:返回相同的 instanceId,与 businessId 无关",
    );
    suite.call("create-again", &suite.create()?, &same)?;
    let request = suite.endpoint.sign(suite.create()?.json())?;
    let sent = || "newInstance, byte for byte the same".to_owned();
    suite.send_raw("create-identical", "newInstance".to_owned(), &request, &same);
    suite.send_raw("create-identical-again", sent(), &request, &same);

    for (case, scene) in [
        ("update-trial", "TRIAL_TO_FORMAL"),
        ("update-renewal", "RENEWAL"),
        ("update-refund", "UNSUBSCRIBE_RENEWAL_PERIOD"),
        ("update-change", "RENEWAL_CHANGE"),
    ] {
        suite.call(case, &suite.update(scene), &Rule::done(DONE.0, DONE.1))?;
        let rule = Rule::done(AGAIN.0, AGAIN.1);
        suite.call(&format!("{case}-again"), &suite.update(scene), &rule)?;
    }
    for (case, status) in [("freeze", "FREEZE"), ("unfreeze", "UNFREEZE")] {
        suite.call(case, &suite.status(status), &Rule::done(DONE.0, DONE.1))?;
        let rule = Rule::done(AGAIN.0, AGAIN.1);
        suite.call(&format!("{case}-again"), &suite.status(status), &rule)?;
    }
    suite.call("release", &suite.release(), &Rule::done(DONE.0, DONE.1))?;
    suite.call("release-again", &suite.release(), &Rule::done(AGAIN.0, AGAIN.1))?;
    let license = Rule::accepted(
        "000004 (the license is uploaded) or 000000",
        "000004(随后上传 License)或 000000",
    );
    suite.call("license", &suite.license(), &license)?;
    let again = Rule::accepted(
        "same event and fingerprint: accepted again",
        "相同 eventId 和指纹:再次接受",
    );
    suite.call("license-again", &suite.license(), &again)?;
    let information = Rule::new(
        Expectation::Information(suite.instance.clone()),
        "000000, and info names the instance with its appInfo",
        "000000,info 中有该实例及其 appInfo",
    );
    suite.call("query", &suite.query(), &information)?;
    orders(suite)
}

/// Each order twice over; every answer as when the case was sent alone.
fn orders(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    for (case, order) in ORDERS {
        let rule = Rule::done(
            "as in every other order: test instances survive everything",
            "与其他顺序的应答相同:测试实例不受影响",
        );
        let mut calls = Vec::new();
        for step in order.into_iter().chain(order) {
            calls.push(step.call(suite)?);
        }
        let names: Vec<_> = calls[..order.len()].iter().map(|(call, _)| call.summary()).collect();
        let sent = format!("{}; the same again", names.join(", "));
        suite.series(case, sent, &calls, &rule)?;
    }
    Ok(())
}

impl BasicStep {
    fn call(self, suite: &Conformance<'_>) -> Result<(Message, Expectation), EndpointError> {
        let done = Expectation::Code(&["000000"]);
        Ok(match self {
            Self::Create => (suite.create()?, Expectation::Instance(suite.instance.clone())),
            Self::Update => (suite.update("RENEWAL"), done),
            Self::Status => (suite.status("FREEZE"), done),
            Self::Release => (suite.release(), done),
            Self::License => (suite.license(), Expectation::Code(&["000000", "000004"])),
        })
    }
}
