//! A run of the conformance suite: what the calls are about, sending one, and its row of the report.

use serde::Serialize;

use super::chapters;
use super::expectation::{Expectation, Rule};
use crate::endpoint::{Endpoint, EndpointError, EndpointReply, Endpoints, SignedRequest};
use crate::language::Language;
use crate::message::Message;
use crate::time::stamp;

/// The largest body that an endpoint must read.
pub(super) const MAX_BODY_LEN: usize = 64 * 1024;

/// What the calls are about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The order.
    pub order: String,
    /// Its line.
    pub line: String,
    /// The marketplace's product that updates carry.
    pub product: Option<String>,
    /// The fingerprint that licenses are asked for.
    pub device: String,
    /// The authorization code that its calls are about.
    pub code: String,
}

/// One call and how it was answered.
#[derive(Clone, Debug, Serialize)]
pub struct CaseResult {
    /// The case's name.
    pub case: String,
    /// What was sent, in a few words.
    pub sent: String,
    /// The answer's HTTP status.
    pub status: Option<u16>,
    /// The answer, in a few words.
    pub answer: String,
    /// The rule, in English.
    pub rule: String,
    /// The rule, in Chinese.
    pub rule_zh: String,
    /// The chapter of the public guides that has the rule.
    pub section: &'static str,
    /// Whether the answer obeys.
    pub verdict: CaseVerdict,
    /// What is wrong with the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How long the answer took.
    pub millis: u64,
}

/// How a case ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaseVerdict {
    /// The answer obeys the rule.
    Pass,
    /// It does not.
    Fail,
    /// Not tried: the interface's key was not given.
    Skipped,
}

/// A run of the suite: the calls so far and the instance's id in the seller's answers.
pub(super) struct Conformance<'a> {
    pub(super) endpoints: &'a Endpoints,
    /// Under the basic interfaces' key.
    pub(super) endpoint: &'a Endpoint,
    pub(super) subject: Subject,
    pub(super) language: Language,
    pub(super) instance: String,
    pub(super) event: String,
    pub(super) rows: Vec<CaseResult>,
}

impl Conformance<'_> {
    /// Sends a call as the marketplace does and judges the answer.
    pub(super) fn call(
        &mut self,
        case: &str,
        message: &Message,
        rule: &Rule,
    ) -> Result<(), EndpointError> {
        self.call_by(self.endpoint, case, message, rule)
    }

    /// The same, signed with another interface type's key.
    pub(super) fn call_by(
        &mut self,
        endpoint: &Endpoint,
        case: &str,
        message: &Message,
        rule: &Rule,
    ) -> Result<(), EndpointError> {
        let request = endpoint.sign(message.json())?;
        self.send_raw(case, message.summary(), &request, rule);
        Ok(())
    }

    /// Sends a request as it is and judges the answer.
    pub(super) fn send_raw(
        &mut self,
        case: &str,
        sent: String,
        request: &SignedRequest,
        rule: &Rule,
    ) {
        let reply = self.endpoint.send(request);
        self.record(case, sent, reply, rule);
    }

    /// Sends several calls and records them as one case: the first wrong answer, or the last.
    pub(super) fn series(
        &mut self,
        case: &str,
        sent: String,
        calls: &[(Message, Expectation)],
        rule: &Rule,
    ) -> Result<(), EndpointError> {
        let mut last = None;
        for (message, expected) in calls {
            let reply = self.endpoint.send(&self.endpoint.sign(message.json())?);
            let rule = Rule { expected: expected.clone(), ..rule.clone() };
            let obeyed =
                matches!(&reply, Ok(reply) if expected.judge(reply, self.language).is_ok());
            last = Some((message.summary(), reply, rule));
            if !obeyed {
                break;
            }
        }
        if let Some((call, reply, rule)) = last {
            self.record(case, sent, reply, &rule);
            if let Some(row) = self.rows.last_mut() {
                row.why = row.why.take().map(|why| format!("{call}: {why}"));
            }
        }
        Ok(())
    }

    /// Says that something was not tried.
    pub(super) fn skip(&mut self, case: &str, section: &'static str, why: &str) {
        self.rows.push(CaseResult {
            case: case.to_owned(),
            sent: "-".to_owned(),
            status: None,
            answer: "-".to_owned(),
            rule: "-".to_owned(),
            rule_zh: "-".to_owned(),
            section,
            verdict: CaseVerdict::Skipped,
            why: Some(why.to_owned()),
            millis: 0,
        });
    }

    pub(super) fn record(
        &mut self,
        case: &str,
        sent: String,
        reply: Result<EndpointReply, EndpointError>,
        rule: &Rule,
    ) {
        let why = match &reply {
            Ok(reply) => rule.expected.judge(reply, self.language).err(),
            // An endpoint that reads no further may close before the rest was sent.
            Err(error) if rule.expected == Expectation::Status(413) && error.is_cut() => None,
            Err(error) => Some(error.cause()),
        };
        let (status, answer, took) = match reply {
            Ok(reply) => (Some(reply.status), reply.summary(), reply.took),
            Err(_) => (None, "-".to_owned(), std::time::Duration::ZERO),
        };
        self.rows.push(CaseResult {
            case: case.to_owned(),
            section: rule.section.unwrap_or_else(|| chapters::chapter(&sent)),
            sent,
            status,
            answer,
            rule: rule.en.to_owned(),
            rule_zh: rule.zh.to_owned(),
            verdict: if why.is_none() { CaseVerdict::Pass } else { CaseVerdict::Fail },
            why,
            millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
    }

    /// newInstance; its businessId is another one in every request, re-sends too.
    pub(super) fn create(&self) -> Result<Message, EndpointError> {
        Ok(Message::test("newInstance")
            .with("orderId", &self.subject.order)
            .with("orderLineId", &self.subject.line)
            .with("businessId", self.endpoint.fresh::<16>()?))
    }

    /// newInstance whose body has this many bytes.
    pub(super) fn create_padded(&self, size: usize) -> Result<Message, EndpointError> {
        let message = self.create()?;
        let taken = message.json().len() + r#""zPadding":"","#.len();
        Ok(message.with("zPadding", "x".repeat(size.saturating_sub(taken))))
    }

    pub(super) fn update(&self, scene: &str) -> Message {
        let in_a_year = self.stamp("%Y%m%d%H%M%S", 365);
        Message::test("refreshInstance")
            .with("scene", scene)
            .with("orderId", &self.subject.order)
            .with("orderLineId", &self.subject.line)
            .with("instanceId", &self.instance)
            .with("expireTime", in_a_year)
            .with_any("productId", self.subject.product.as_deref())
    }

    pub(super) fn status(&self, status: &str) -> Message {
        Message::test("updateInstanceStatus")
            .with("instanceId", &self.instance)
            .with("status", status)
    }

    pub(super) fn release(&self) -> Message {
        Message::test("releaseInstance").with("instanceId", &self.instance)
    }

    pub(super) fn license(&self) -> Message {
        Message::test("getLicenseAsync")
            .with("instanceId", &self.instance)
            .with("eventId", &self.event)
            .with("effectiveTime", self.stamp("%Y-%m-%d %H:%M:%S z", 0))
            .with("expireTime", self.stamp("%Y-%m-%d %H:%M:%S z", 365))
            .with("deviceFingerprint", &self.subject.device)
    }

    pub(super) fn query(&self) -> Message {
        Message::test("queryInstance").with("instanceId", &self.instance)
    }

    /// The time `days` from now, in the marketplace's writing.
    pub(super) fn stamp(&self, format: &str, days: i64) -> String {
        stamp(format, self.endpoint.now_ms() / 1000 + days * 86_400)
    }
}
