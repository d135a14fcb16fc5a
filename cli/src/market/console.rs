//! The console's debugging page against a seller's endpoint, and what the rules demand beside.
//!
//! Every call carries `testFlag` "1": a seller in production counts none of them.

mod change;
mod codes;
mod five;
mod forms;
mod guide;
mod judge;
mod kit;
mod notify;
mod refusals;
mod v1;

use std::io::ErrorKind;

use jiff::Timestamp;
use license_core::Lang;
use license_core::time::Timestamp as Moment;
use serde::Serialize;

use crate::market::message::Message;
use crate::market::seller::{Reply, Seller, Sellers, Shot};
use crate::output::Output;

pub(crate) use judge::{Expected, Rule, names_instance};

/// The largest body that an endpoint must read.
const BODY_LIMIT: usize = 64 * 1024;

/// What the calls are about.
pub(crate) struct Subject {
    pub(crate) order: String,
    pub(crate) line: String,
    pub(crate) product: Option<String>,
    pub(crate) device: String,
    /// The authorization code that its calls are about.
    pub(crate) code: String,
}

/// One call and how it was answered.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) sent: String,
    pub(crate) status: Option<u16>,
    pub(crate) answer: String,
    pub(crate) rule: String,
    pub(crate) rule_zh: String,
    /// The chapter of the public guides that has the rule.
    pub(crate) section: &'static str,
    pub(crate) verdict: Verdict,
    /// What is wrong with the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    pub(crate) millis: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Pass,
    Fail,
    /// Not tried: the interface's key was not given.
    Skipped,
}

/// A debugging session: the calls so far and what the seller named its instance.
pub(crate) struct Console<'a> {
    sellers: &'a Sellers,
    /// Under the basic interfaces' key.
    seller: &'a Seller,
    subject: Subject,
    lang: Lang,
    instance: String,
    event: String,
    rows: Vec<Row>,
}

impl<'a> Console<'a> {
    /// Runs every case; an error only where the seller could not be reached at all.
    pub(crate) fn run(
        sellers: &'a Sellers,
        subject: Subject,
        out: &mut Output,
    ) -> anyhow::Result<Vec<Row>> {
        let seller = &sellers.basic;
        let event = format!("DEBUG-{}", seller.fresh::<8>()?);
        let (lang, instance, rows) = (out.lang(), String::new(), Vec::new());
        let mut console = Self { sellers, seller, subject, lang, instance, event, rows };
        // The first call tells an unreachable seller from a wrong one.
        let shot = seller.sign(console.create()?.json())?;
        let first = seller.call(&shot, out)?;
        console.instance.push_str(first.member("instanceId").unwrap_or_default());
        console.record("create", "newInstance".to_owned(), Ok(first), &Rule::created());

        five::run(&mut console)?;
        forms::run(&mut console)?;
        refusals::run(&mut console)?;
        change::run(&mut console)?;
        codes::run(&mut console)?;
        notify::run(&mut console)?;
        v1::run(&mut console)?;
        kit::run(&mut console)?;
        Ok(console.rows)
    }

    /// Sends a call as the marketplace does and judges the answer.
    fn call(&mut self, case: &str, message: &Message, rule: &Rule) -> anyhow::Result<()> {
        self.call_by(self.seller, case, message, rule)
    }

    /// The same, signed with another interface type's key.
    fn call_by(
        &mut self,
        seller: &Seller,
        case: &str,
        message: &Message,
        rule: &Rule,
    ) -> anyhow::Result<()> {
        let shot = seller.sign(message.json())?;
        self.shoot(case, message.summary(), &shot, rule);
        Ok(())
    }

    /// Sends a request as it is and judges the answer.
    fn shoot(&mut self, case: &str, sent: String, shot: &Shot, rule: &Rule) {
        let reply = self.seller.send(shot);
        self.record(case, sent, reply, rule);
    }

    /// Sends several calls and records them as one case: the first wrong answer, or the last.
    fn series(
        &mut self,
        case: &str,
        sent: String,
        calls: &[(Message, Expected)],
        rule: &Rule,
    ) -> anyhow::Result<()> {
        let mut last = None;
        for (message, expected) in calls {
            let reply = self.seller.send(&self.seller.sign(message.json())?);
            let rule = Rule { expected: expected.clone(), ..rule.clone() };
            let obeyed = matches!(&reply, Ok(reply) if expected.judge(reply, self.lang).is_ok());
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
    fn skip(&mut self, case: &str, section: &'static str, why: &str) {
        self.rows.push(Row {
            case: case.to_owned(),
            sent: "-".to_owned(),
            status: None,
            answer: "-".to_owned(),
            rule: "-".to_owned(),
            rule_zh: "-".to_owned(),
            section,
            verdict: Verdict::Skipped,
            why: Some(why.to_owned()),
            millis: 0,
        });
    }

    fn record(&mut self, case: &str, sent: String, reply: anyhow::Result<Reply>, rule: &Rule) {
        let why = match &reply {
            Ok(reply) => rule.expected.judge(reply, self.lang).err(),
            // Whoever reads no further may close before the rest was sent.
            Err(error) if rule.expected == Expected::Status(413) && is_cut(error) => None,
            Err(error) => Some(error.root_cause().to_string()),
        };
        let (status, answer, took) = match reply {
            Ok(reply) => (Some(reply.status), reply.summary(), reply.took),
            Err(_) => (None, "-".to_owned(), std::time::Duration::ZERO),
        };
        self.rows.push(Row {
            case: case.to_owned(),
            section: rule.section.unwrap_or_else(|| guide::chapter(&sent)),
            sent,
            status,
            answer,
            rule: rule.en.to_owned(),
            rule_zh: rule.zh.to_owned(),
            verdict: if why.is_none() { Verdict::Pass } else { Verdict::Fail },
            why,
            millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
    }

    /// newInstance; its businessId is another one in every request, re-sends too.
    fn create(&self) -> anyhow::Result<Message> {
        Ok(Message::test("newInstance")
            .with("orderId", &self.subject.order)
            .with("orderLineId", &self.subject.line)
            .with("businessId", self.seller.fresh::<16>()?))
    }

    /// newInstance whose body has this many bytes.
    fn create_padded(&self, size: usize) -> anyhow::Result<Message> {
        let message = self.create()?;
        let taken = message.json().len() + r#""zPadding":"","#.len();
        Ok(message.with("zPadding", "x".repeat(size.saturating_sub(taken))))
    }

    fn update(&self, scene: &str) -> Message {
        let in_a_year = self.stamp("%Y%m%d%H%M%S", 365);
        Message::test("refreshInstance")
            .with("scene", scene)
            .with("orderId", &self.subject.order)
            .with("orderLineId", &self.subject.line)
            .with("instanceId", &self.instance)
            .with("expireTime", in_a_year)
            .with_any("productId", self.subject.product.as_deref())
    }

    fn status(&self, status: &str) -> Message {
        Message::test("updateInstanceStatus")
            .with("instanceId", &self.instance)
            .with("status", status)
    }

    fn release(&self) -> Message {
        Message::test("releaseInstance").with("instanceId", &self.instance)
    }

    fn license(&self) -> Message {
        Message::test("getLicenseAsync")
            .with("instanceId", &self.instance)
            .with("eventId", &self.event)
            .with("effectiveTime", self.stamp("%Y-%m-%d %H:%M:%S z", 0))
            .with("expireTime", self.stamp("%Y-%m-%d %H:%M:%S z", 365))
            .with("deviceFingerprint", &self.subject.device)
    }

    fn query(&self) -> Message {
        Message::test("queryInstance").with("instanceId", &self.instance)
    }

    /// The time `days` from now, in the marketplace's writing.
    fn stamp(&self, format: &str, days: i64) -> String {
        let at = Moment::from_secs(self.seller.now_ms() / 1000).plus(days * 86_400);
        stamp(format, at.as_secs())
    }
}

/// Whether the other side closed the connection.
fn is_cut(error: &anyhow::Error) -> bool {
    let kind = match error.downcast_ref::<ureq::Error>() {
        Some(ureq::Error::Io(error)) => error.kind(),
        _ => return false,
    };
    matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

/// UTC seconds in a form of strftime.
pub(crate) fn stamp(format: &str, secs: i64) -> String {
    Timestamp::from_second(secs).map(|at| at.strftime(format).to_string()).unwrap_or_default()
}
