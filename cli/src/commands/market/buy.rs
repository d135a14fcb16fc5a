//! `licctl market buy`: plays one order as the marketplace does, up to the application for a license.

use std::process::ExitCode;

use koogallery::order;
use koogallery_sim::endpoint::{Endpoint, EndpointReply};
use koogallery_sim::message::Message;
use koogallery_sim::time::stamp;
use license_core::activation_code::ActivationCode;
use license_core::time::Timestamp;
use license_core::{Code, Lang};
use serde::Serialize;
use serde_json::json;

use super::seller::{self, SigningKey, doubt_key, failure};
use crate::environment::Environment;
use crate::input;
use crate::output::{BAD, BOLD, DIM, GOOD, Output};

const EXAMPLES: &str = "\
Examples:
  licctl market buy http://127.0.0.1:8470/koogallery --access-key-file access-key.txt
  licctl devinfo | licctl market buy http://127.0.0.1:8470/koogallery \\
         --access-key-file access-key.txt --order MOCKONETIMENEW --dev-info -";

/// Play a buyer's order: create the instance, apply for a license, send everything again.
///
/// Real calls, without testFlag: the seller counts them. The order must be one that the seller can
/// look up, for example one of the MOCK orders that `licctl market serve` answers.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The seller's endpoint, for example `http://127.0.0.1:8470/koogallery`.
    url: String,
    #[command(flatten)]
    key: SigningKey,
    /// The order.
    #[arg(long, value_name = "ORDER_ID", default_value = "MOCKPERIODYEARNEW")]
    order: String,
    /// Its line [default: the order followed by -000001].
    #[arg(long, value_name = "LINE_ID")]
    line: Option<String>,
    /// Apply for a license for the machine with this device text (`licctl devinfo`).
    #[arg(long, value_name = "TEXT|@FILE|-")]
    dev_info: Option<String>,
    /// The application's event [default: a new one].
    #[arg(long, value_name = "EVENT_ID", requires = "dev_info")]
    event: Option<String>,
    /// End of the license [default: a MOCK order's own].
    #[arg(long, value_name = "DATE", requires = "dev_info")]
    expires: Option<Timestamp>,
    /// Send each call this many times more, as the marketplace does when an answer is lost.
    #[arg(long, value_name = "N", default_value_t = 1)]
    resend: u32,
}

/// One call of the timeline.
#[derive(Serialize)]
struct Step {
    at: Timestamp,
    activity: String,
    attempt: u32,
    status: u16,
    result_code: Option<String>,
    result_msg: Option<String>,
    accepted: bool,
}

struct Purchase<'a> {
    endpoint: &'a Endpoint,
    resend: u32,
    steps: Vec<Step>,
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let endpoint = seller::endpoint(&self.url, self.key.read(out)?, environment, out)?;
        let device = self.dev_info.as_deref().map(input::text_argument).transpose()?;
        let mut purchase = Purchase { endpoint: &endpoint, resend: self.resend, steps: Vec::new() };

        let (instance, same) = purchase.create(&self.order, self.line.as_deref(), out)?;
        let mut activation_code = None;
        let mut event_id = None;
        if let (Some(instance), true) = (&instance, same) {
            activation_code = purchase.query(instance, out)?;
            if let Some(device) = device {
                let event = match self.event {
                    Some(event) => event,
                    None => format!("EV-{}", endpoint.fresh::<8>()?),
                };
                let expires = self.expires.or_else(|| end_of_mock(&self.order, environment));
                purchase.apply(instance, &event, expires, device.trim(), out)?;
                event_id = Some(event);
            }
        }
        purchase.finish(
            instance.as_deref(),
            activation_code.as_deref(),
            event_id.as_deref(),
            same,
            out,
        )
    }
}

impl Purchase<'_> {
    /// The instance's id, and whether every re-send named the same.
    fn create(
        &mut self,
        order: &str,
        line: Option<&str>,
        out: &mut Output,
    ) -> anyhow::Result<(Option<String>, bool)> {
        let line = line.map_or_else(|| format!("{order}-000001"), ToOwned::to_owned);
        let mut named: Vec<String> = Vec::new();
        for attempt in 0..=self.resend {
            let message = Message::real("newInstance")
                .with("orderId", order)
                .with("orderLineId", &line)
                .with("businessId", self.endpoint.fresh::<16>()?);
            let reply = self.send(&message, attempt, out)?;
            if let Some(id) = reply.member("instanceId").filter(|id| !id.is_empty()) {
                named.push(id.to_owned());
            }
        }
        let same = named.windows(2).all(|pair| pair[0] == pair[1]);
        if let (false, Some((first, others))) = (same, named.split_first()) {
            let word = out.pick("a re-send got another instance", "重发得到了不同的实例");
            let text = format!("{BAD}{word}: {first} / {}{BAD:#}", others.join(" / "));
            say(out, text)?;
        }
        Ok((named.into_iter().next(), same))
    }

    /// What the buyer is shown of the instance; the activation code where it is in there.
    fn query(&mut self, instance: &str, out: &mut Output) -> anyhow::Result<Option<String>> {
        let message = Message::real("queryInstance").with("instanceId", instance);
        let reply = self.send(&message, 0, out)?;
        let memo = reply.json.as_ref().and_then(|json| json.pointer("/info/0/appInfo/memo"));
        let Some(memo) = memo.and_then(|memo| memo.as_str()) else { return Ok(None) };
        let word = out.pick("the buyer reads", "买家看到");
        say(out, format!("          {DIM}{word}:{DIM:#} {memo}"))?;
        Ok(activation_code(memo))
    }

    fn apply(
        &mut self,
        instance: &str,
        event: &str,
        expires: Option<Timestamp>,
        device: &str,
        out: &mut Output,
    ) -> anyhow::Result<()> {
        let time = |secs: i64| stamp("%Y-%m-%d %H:%M:%S z", secs);
        let message = Message::real("getLicenseAsync")
            .with("instanceId", instance)
            .with("eventId", event)
            .with("effectiveTime", time(self.endpoint.now_ms() / 1000))
            .with_any("expireTime", expires.map(|at| time(at.as_secs())))
            .with("deviceFingerprint", device);
        for attempt in 0..=self.resend {
            self.send(&message, attempt, out)?;
        }
        Ok(())
    }

    fn send(
        &mut self,
        message: &Message,
        attempt: u32,
        out: &mut Output,
    ) -> anyhow::Result<EndpointReply> {
        let at = Timestamp::from_secs(self.endpoint.now_ms() / 1000);
        let request = self.endpoint.sign(message.json())?;
        let reply = self.endpoint.send(&request);
        let reply = reply.map_err(|error| failure(self.endpoint.url(), error, out))?;
        let accepted = matches!(reply.result_code(), Some("000000" | "000004"));
        let activity = message.member("activity").unwrap_or_default().to_owned();
        let again = match (attempt, out.lang()) {
            (0, _) => String::new(),
            (n, Lang::En) => format!(" (sent again, {n})"),
            (n, Lang::Zh) => format!("(第 {n} 次重发)"),
        };
        let style = if accepted { GOOD } else { BAD };
        let clock = stamp("%H:%M:%S", at.as_secs());
        say(out, format!("{DIM}{clock}{DIM:#}  {BOLD}{activity}{BOLD:#}{again}"))?;
        say(out, format!("          {DIM}{}{DIM:#}", message.others()))?;
        let id = reply.member("instanceId").map(|id| format!(", instanceId {id}"));
        let id = id.unwrap_or_default();
        say(out, format!("          {style}{}{style:#}{id}", reply.summary()))?;
        self.steps.push(Step {
            at,
            activity,
            attempt: attempt + 1,
            status: reply.status,
            result_code: reply.result_code().map(ToOwned::to_owned),
            result_msg: reply.member("resultMsg").map(ToOwned::to_owned),
            accepted,
        });
        Ok(reply)
    }

    fn finish(
        self,
        instance: Option<&str>,
        activation_code: Option<&str>,
        event: Option<&str>,
        same: bool,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let refused = self.steps.iter().find(|step| !step.accepted);
        let code = match refused {
            Some(step) => meaning(step.result_code.as_deref().unwrap_or_default()),
            None if !same || instance.is_none() => Code::Conflict,
            None => Code::Ok,
        };
        if out.is_json() {
            out.value(&json!({
                "code": code.as_str(),
                "instance_id": instance,
                "activation_code": activation_code,
                "event_id": event,
                "calls": self.steps,
            }))?;
        } else if code == Code::Ok {
            let text = match event {
                Some(_) => out.pick(
                    "applied for; the license arrives as an upload (see `licctl market serve`)",
                    "已申请;License 将以上传方式送达(见 licctl market serve)",
                ),
                None => out.pick(
                    "bought; give --dev-info to apply for a license too",
                    "已购买;加 --dev-info 可同时申请 License",
                ),
            };
            let text = text.to_owned();
            out.line(format!("{GOOD}{text}{GOOD:#}"))?;
        } else {
            let word = out.pick("not every call was accepted", "有调用未被接受").to_owned();
            out.line(format!("{BAD}{word}{BAD:#} ({code})"))?;
        }
        if code == Code::Unauthorized {
            doubt_key(out)?;
        }
        Ok(ExitCode::from(u8::from(code != Code::Ok)))
    }
}

/// A line of the timeline, which only people read.
fn say(out: &mut Output, text: String) -> anyhow::Result<()> {
    if !out.is_json() {
        out.line(text)?;
    }
    Ok(())
}

fn end_of_mock(order: &str, environment: &Environment) -> Option<Timestamp> {
    let order = order::mock(order, environment.now().as_secs())?;
    order.lines.first()?.expire_time.map(Timestamp::from_secs)
}

/// The activation code among the words that a buyer is shown; its check symbol may be `*~$=` too.
fn activation_code(memo: &str) -> Option<String> {
    memo.split(|c: char| !(c.is_ascii_alphanumeric() || "-*~$=".contains(c)))
        .filter(|word| word.len() >= 21)
        .find_map(|word| word.parse::<ActivationCode>().ok())
        .map(|code| code.to_string())
}

/// The stable code that says the same as a refusal of the marketplace's protocol.
fn meaning(result_code: &str) -> Code {
    match result_code {
        "000001" => Code::Unauthorized,
        "000003" => Code::NotFound,
        "000005" => Code::Internal,
        "000100" | "000900" => Code::MachinesExhausted,
        "000901" => Code::LicenseExpired,
        "000903" => Code::MachineUnreadable,
        _ => Code::RequestInvalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_activation_code_is_found_in_the_memo() {
        let mut checks = std::collections::BTreeSet::new();
        for seed in 0..=u8::MAX {
            let code = ActivationCode::from_random([seed; 13]).to_string();
            checks.extend(code.chars().last());
            assert_eq!(activation_code(&format!("激活码：{code}。")), Some(code.clone()));
            assert_eq!(activation_code(&format!("Activation code: {code}")), Some(code));
        }
        assert!("*~$=U".chars().all(|symbol| checks.contains(&symbol)), "{checks:?}");
        assert_eq!(activation_code("no-code-here-at-all-but-long-enough"), None);
    }

    #[test]
    fn refusals_have_a_stable_code() {
        for (result, code) in [
            ("000001", Code::Unauthorized),
            ("000002", Code::RequestInvalid),
            ("000003", Code::NotFound),
            ("000900", Code::MachinesExhausted),
            ("", Code::RequestInvalid),
        ] {
            assert_eq!(meaning(result), code, "{result}");
        }
    }
}
