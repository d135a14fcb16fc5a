//! The life cycle of one order: each step is sent until it is accepted, or until the marketplace
//! would give up.

use std::time::{Duration, Instant};

use super::expected::{ExpectedOrder, ExpectedState, LicenseApplication};
use super::file::{ATTEMPTS, Scenario};
use super::plan::{OrderPlan, OrderStep};
use super::tally::Tally;
use crate::codes::{CodeChange, CodePurchase};
use crate::endpoint::{ANSWER_TIMEOUT, Endpoint, EndpointError, EndpointReply, Endpoints};
use crate::lock::locked;
use crate::message::Message;
use crate::rng::SeededRng;
use crate::simulator::Simulator;
use crate::sold_order::{SoldOrder, line_of};
use crate::time::stamp;

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
const TRIAL: i64 = 30 * DAY;
/// How often the arrival of a license is looked for.
const UPLOAD_POLL_INTERVAL: Duration = Duration::from_millis(50);

const DONE: &[&str] = &["000000"];
const ACCEPTED: &[&str] = &["000000", "000004"];
const OUT_OF_VALIDITY: &[&str] = &["000901"];
const UNKNOWN: &[&str] = &["000003"];

/// Everything around an order.
pub(super) struct ScenarioContext<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) endpoints: &'a Endpoints,
    pub(super) simulator: &'a Simulator,
    pub(super) tally: &'a Tally,
    /// Tells this run's orders from those of another.
    pub(super) run: String,
}

/// One order and what is still to come.
pub(super) struct Lifecycle {
    pub(super) expected: ExpectedOrder,
    plan: OrderPlan,
    rng: SeededRng,
    number: u32,
    next: usize,
    attempts: u32,
    pending: Option<PendingCall>,
    /// When the licenses must be there.
    until: Option<Instant>,
    before_renewal: Option<i64>,
    last_order: String,
    orders: u32,
}

/// A call that is being tried.
#[derive(Clone)]
struct PendingCall {
    message: Message,
    expected: &'static [&'static str],
}

impl Lifecycle {
    /// The order is paid, and can be looked up.
    pub(super) fn begin(number: u32, context: &ScenarioContext<'_>) -> Self {
        let mut rng = SeededRng::stream(context.scenario.seed, number.into());
        let plan = OrderPlan::of(context.scenario, &mut rng);
        let order = format!("CS{}{number:06}", context.run);
        let now = context.simulator.now();
        let expires = (!plan.perpetual).then(|| now + if plan.trial { TRIAL } else { YEAR });
        let expected = ExpectedOrder {
            order_line_id: line_of(&order),
            order_id: order.clone(),
            expires,
            quantity: plan.quantity,
            ..ExpectedOrder::default()
        };
        let kind = if plan.trial && !plan.perpetual { "TRIAL" } else { "NEW" };
        let mut lifecycle = Self {
            expected,
            plan,
            rng,
            number,
            next: 0,
            attempts: 0,
            pending: None,
            until: None,
            before_renewal: None,
            last_order: order.clone(),
            orders: 0,
        };
        lifecycle.sell(&order, kind, context);
        if lifecycle.plan.code {
            lifecycle.sell_code(context);
        }
        lifecycle
    }

    fn sell_code(&mut self, context: &ScenarioContext<'_>) {
        let name = format!("PL{}{:06}", context.run, self.number);
        let purchase = CodePurchase {
            order_id: self.expected.order_id.clone(),
            product_id: context.scenario.product.market_id.clone(),
            amount: self.expected.quantity,
            days: YEAR / DAY,
            received: true,
        };
        context.simulator.sell_code(&name, &purchase);
        self.expected.license_code = Some(name);
    }

    fn sell(&mut self, order: &str, kind: &'static str, context: &ScenarioContext<'_>) {
        let product = &context.scenario.product;
        let expires = self.expected.expires;
        context.simulator.sell(&SoldOrder {
            id: order.to_owned(),
            kind,
            charging: if expires.is_some() { "PERIOD" } else { "ONE_TIME" },
            product_id: product.market_id.clone(),
            sku_code: product.sku_code.clone(),
            quantity: self.expected.quantity,
            expires,
            created: context.simulator.now(),
            customer: "示例工业软件(深圳)有限公司".to_owned(),
        });
    }

    /// Another order of the same buyer, about the same instance.
    fn sell_more(&mut self, kind: &'static str, context: &ScenarioContext<'_>) {
        self.orders += 1;
        let order = format!("{}-{}{}", self.expected.order_id, &kind[..2], self.orders);
        self.sell(&order, kind, context);
        self.last_order = order;
    }

    /// Does what is due; gives the time until there is more to do, none when the order is over.
    pub(super) fn advance(&mut self, context: &ScenarioContext<'_>) -> Option<Duration> {
        let step = *self.plan.steps.get(self.next)?;
        match step {
            OrderStep::Await => Some(self.look(context)),
            OrderStep::UseCode | OrderStep::UseCodeInVain => self.use_code(step, context),
            _ => self.call(step, context),
        }
    }

    fn done(&mut self, context: &ScenarioContext<'_>) -> Duration {
        self.next += 1;
        self.attempts = 0;
        self.pending = None;
        self.until = None;
        let pause = context.scenario.pause_seconds;
        let thousandths = u32::try_from(self.rng.below(2_000)).unwrap_or(0);
        Duration::from_secs_f64(pause * f64::from(thousandths) / 1_000.0)
    }

    fn look(&mut self, context: &ScenarioContext<'_>) -> Duration {
        let missing = {
            let ledger = locked(&context.simulator.received_uploads);
            let mut events = self.expected.licenses.iter().map(|applied| &applied.event_id);
            events.find(|event| !ledger.has(event)).cloned()
        };
        let Some(missing) = missing else { return self.done(context) };
        let patience = Duration::from_secs_f64(context.scenario.patience_seconds);
        let until = *self.until.get_or_insert_with(|| Instant::now() + patience);
        if Instant::now() < until {
            return UPLOAD_POLL_INTERVAL;
        }
        self.expected.disagree(format!("no license arrived for event {missing}"));
        self.done(context)
    }

    /// A program comes to the seller with its code.
    fn use_code(&mut self, step: OrderStep, context: &ScenarioContext<'_>) -> Option<Duration> {
        context.tally.called();
        self.expected.calls += 1;
        let endpoint = &context.endpoints.basic;
        let code = self.expected.license_code.clone().unwrap_or_default();
        let asked = endpoint.fresh::<16>().and_then(|nonce| {
            endpoint.ask_as_program(&serde_json::json!({
                "product": context.scenario.product.id, "activation_code": code,
                "dev_info": device(&context.run, self.number, 0), "form": "string",
                "version": "1.0.0", "nonce": nonce,
            }))
        });
        let why = match (asked, step) {
            (Ok(reply), OrderStep::UseCode) if reply.status == 200 => {
                self.expected.state = ExpectedState::Active;
                self.expected.machines.insert(0);
                return Some(self.done(context));
            }
            (Ok(reply), OrderStep::UseCodeInVain) if (400..500).contains(&reply.status) => {
                return Some(self.done(context));
            }
            (Ok(reply), OrderStep::UseCodeInVain) if reply.status == 200 => {
                self.expected.disagree("a code that was released still gives a license");
                return Some(self.done(context));
            }
            (Ok(reply), _) => reply.member("code").unwrap_or(reply.text.as_str()).to_owned(),
            (Err(error), _) => error.cause(),
        };
        self.failed(step, None, &why, context)
    }

    fn call(&mut self, step: OrderStep, context: &ScenarioContext<'_>) -> Option<Duration> {
        let pending = match self.pending.take() {
            Some(pending) => pending,
            None => self.prepare(step, context),
        };
        self.expected.calls += 1;
        let endpoint = match step {
            OrderStep::Notify => context.endpoints.general.as_ref(),
            OrderStep::RenewCode
            | OrderStep::FreezeCode
            | OrderStep::UnfreezeCode
            | OrderStep::ReleaseCode => context.endpoints.license_code.as_ref(),
            _ => None,
        };
        let endpoint = endpoint.unwrap_or(&context.endpoints.basic);
        let sent = send(endpoint, &pending.message, context);
        let accepted = sent.and_then(|reply| {
            accept(&reply, pending.expected)?;
            self.confirm(step, &pending.message, &reply)?;
            Ok(())
        });
        if let Err(why) = accepted {
            return self.failed(step, Some(pending), &why, context);
        }
        if self.rng.chance(context.scenario.resend) {
            self.send_again(step, &pending, endpoint, context);
        }
        Some(self.done(context))
    }

    /// The answer was lost on its way, so the marketplace asks again.
    fn send_again(
        &mut self,
        step: OrderStep,
        pending: &PendingCall,
        endpoint: &Endpoint,
        context: &ScenarioContext<'_>,
    ) {
        context.tally.resends();
        self.expected.calls += 1;
        let Ok(reply) = send(endpoint, &pending.message, context) else { return };
        let same = step != OrderStep::Create
            || reply.member("instanceId") == self.expected.instance_id.as_deref();
        let internal = reply.status != 200 || reply.result_code() == Some("000005");
        if !internal && (!same || accept(&reply, pending.expected).is_err()) {
            self.expected.disagree(format!("{step:?} sent again: {}", reply.summary()));
        }
    }

    fn failed(
        &mut self,
        step: OrderStep,
        pending: Option<PendingCall>,
        why: &str,
        context: &ScenarioContext<'_>,
    ) -> Option<Duration> {
        context.tally.failed();
        self.expected.failed += 1;
        self.attempts += 1;
        if self.attempts < ATTEMPTS {
            self.pending = pending;
            return Some(context.scenario.interval());
        }
        // Two hours are over.
        if step == OrderStep::Create {
            self.expected.state = ExpectedState::Refunded;
        }
        self.expected.disagree(format!("{step:?} failed {ATTEMPTS} times: {why}"));
        // A notification that never arrives stops nothing.
        (step == OrderStep::Notify).then(|| self.done(context))
    }

    fn prepare(&mut self, step: OrderStep, context: &ScenarioContext<'_>) -> PendingCall {
        let instance = self.expected.instance_id.clone().unwrap_or_default();
        let to = |activity: &str| Message::real(activity).with("instanceId", &instance);
        let accepted = |message| PendingCall { message, expected: ACCEPTED };
        let done = |message| PendingCall { message, expected: DONE };
        match step {
            OrderStep::Notify => done(self.about_order("orderNotify").with("testFlag", "0")),
            OrderStep::Create => accepted(self.about_order("newInstance")),
            OrderStep::Query | OrderStep::Await => done(to("queryInstance")),
            OrderStep::Apply(machine) => accepted(self.application(machine, context)),
            OrderStep::ApplyFrozen => {
                PendingCall { message: self.application(0, context), expected: OUT_OF_VALIDITY }
            }
            OrderStep::ApplyReleased => {
                PendingCall { message: self.application(0, context), expected: UNKNOWN }
            }
            OrderStep::Convert => {
                let year = context.simulator.now() + (YEAR);
                self.expected.expires = Some(year);
                self.sell_more("TRIAL_TO_FORMAL", context);
                done(self.refresh("TRIAL_TO_FORMAL"))
            }
            OrderStep::Renew => {
                self.before_renewal = self.expected.expires;
                self.expected.expires = self.expected.expires.map(|end| end + (YEAR));
                self.sell_more("RENEW", context);
                done(self.refresh("RENEWAL"))
            }
            OrderStep::RefundRenewal => {
                self.expected.expires = self.before_renewal;
                done(self.refresh("UNSUBSCRIBE_RENEWAL_PERIOD"))
            }
            OrderStep::Upgrade => {
                self.expected.quantity += 1 + u32::try_from(self.rng.below(3)).unwrap_or(0);
                self.sell_more("CHANGE", context);
                let message = to("upgradeInstance").with("orderId", &self.last_order);
                accepted(message.with("orderLineId", line_of(&self.last_order)))
            }
            OrderStep::Freeze => done(to("updateInstanceStatus").with("status", "FREEZE")),
            OrderStep::Unfreeze => done(to("updateInstanceStatus").with("status", "UNFREEZE")),
            OrderStep::Release => {
                let message = to("releaseInstance");
                if self.rng.chance(0.5) {
                    return done(message);
                }
                self.sell_more("UNSUBSCRIBE", context);
                let message = message.with("orderId", &self.last_order);
                done(message.with("orderLineId", line_of(&self.last_order)))
            }
            OrderStep::FreezeCode => done(self.about_code("updateLicenseCodeStatus", "FREEZE")),
            OrderStep::UnfreezeCode => done(self.about_code("updateLicenseCodeStatus", "UNFREEZE")),
            OrderStep::RenewCode | OrderStep::ReleaseCode => done(self.code_ends(step, context)),
            OrderStep::UseCode | OrderStep::UseCodeInVain => done(Message::bare()),
        }
    }

    fn about_code(&self, activity: &str, status: &str) -> Message {
        let code = self.expected.license_code.as_deref().unwrap_or_default();
        let status = Some(status).filter(|status| !status.is_empty());
        Message::real(activity).with("license", code).with_any("status", status)
    }

    /// A renewal or a release: the marketplace's own book changes first.
    fn code_ends(&mut self, step: OrderStep, context: &ScenarioContext<'_>) -> Message {
        let code = self.expected.license_code.clone().unwrap_or_default();
        let now = context.simulator.now();
        let change = if step == OrderStep::RenewCode {
            self.expected.expires = self.expected.expires.map(|end| end + (YEAR));
            self.sell_more("RENEW", context);
            CodeChange::Until(self.expected.expires.unwrap_or(now))
        } else {
            CodeChange::Release
        };
        context.simulator.change_code(&code, change);
        if step == OrderStep::ReleaseCode {
            return self.about_code("releaseLicenseCode", "");
        }
        let end = self.expected.expires.unwrap_or_default();
        self.about_code("refreshLicenseCode", "")
            .with("scene", "RENEWAL")
            .with("orderId", &self.last_order)
            .with("orderLineId", line_of(&self.last_order))
            .with("expireTime", stamp("%Y%m%d%H%M%S", end))
    }

    fn about_order(&self, activity: &str) -> Message {
        Message::real(activity)
            .with("orderId", &self.expected.order_id)
            .with("orderLineId", &self.expected.order_line_id)
    }

    fn refresh(&self, scene: &str) -> Message {
        let end = self.expected.expires.unwrap_or_default();
        Message::real("refreshInstance")
            .with("scene", scene)
            .with("orderId", &self.last_order)
            .with("orderLineId", line_of(&self.last_order))
            .with("instanceId", self.expected.instance_id.as_deref().unwrap_or_default())
            .with("expireTime", stamp("%Y%m%d%H%M%S", end))
    }

    fn application(&mut self, machine: u32, context: &ScenarioContext<'_>) -> Message {
        let time = |secs: i64| stamp("%Y-%m-%d %H:%M:%S z", secs);
        let event = format!("EV-{}-{}", self.expected.order_id, self.next);
        Message::real("getLicenseAsync")
            .with("instanceId", self.expected.instance_id.as_deref().unwrap_or_default())
            .with("eventId", event)
            .with("effectiveTime", time(context.simulator.now()))
            .with_any("expireTime", self.expected.expires.map(time))
            .with("deviceFingerprint", device(&context.run, self.number, machine))
    }

    /// What an accepted step means; an answer that lacks what it has to hold is a failure.
    fn confirm(
        &mut self,
        step: OrderStep,
        message: &Message,
        reply: &EndpointReply,
    ) -> Result<(), String> {
        match step {
            OrderStep::Create => {
                let id = reply.member("instanceId").filter(|id| !id.is_empty() && id.len() <= 64);
                let id = id.ok_or("no instanceId of 1 to 64 characters")?;
                self.expected.instance_id = Some(id.to_owned());
                self.expected.state = ExpectedState::Active;
            }
            OrderStep::Query => {
                let id = self.expected.instance_id.as_deref().unwrap_or_default();
                if !crate::conformance::names_instance(reply, id) {
                    return Err("info does not name the instance".to_owned());
                }
            }
            OrderStep::Apply(machine) => {
                let member = |name| message.member(name).unwrap_or_default().to_owned();
                let (event_id, dev_info) = (member("eventId"), member("deviceFingerprint"));
                self.expected.machines.insert(machine);
                self.expected.licenses.push(LicenseApplication { event_id, dev_info });
            }
            OrderStep::Freeze | OrderStep::FreezeCode => {
                self.expected.state = ExpectedState::Frozen;
            }
            OrderStep::Unfreeze | OrderStep::UnfreezeCode => {
                self.expected.state = ExpectedState::Active;
            }
            OrderStep::Release | OrderStep::ReleaseCode => {
                self.expected.state = ExpectedState::Released;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Signed anew each time, with the businessId of this request.
fn send(
    endpoint: &Endpoint,
    message: &Message,
    context: &ScenarioContext<'_>,
) -> Result<EndpointReply, String> {
    context.tally.called();
    let words = |error: EndpointError| error.cause();
    let mut message = message.clone();
    if message.member("activity") == Some("newInstance") {
        message = message.with("businessId", endpoint.fresh::<16>().map_err(words)?);
    }
    endpoint.send(&endpoint.sign(message.json()).map_err(words)?).map_err(words)
}

fn accept(reply: &EndpointReply, expected: &[&str]) -> Result<(), String> {
    if reply.took > ANSWER_TIMEOUT {
        return Err("no answer within 5 s".to_owned());
    }
    let code = reply.result_code().filter(|_| reply.status == 200);
    if code.is_some_and(|code| expected.contains(&code)) { Ok(()) } else { Err(reply.summary()) }
}

/// A machine that shares nothing with any other but the model of its CPU.
fn device(run: &str, order: u32, machine: u32) -> String {
    let n = order.wrapping_mul(1_000).wrapping_add(machine);
    let [_, a, b, c] = n.to_be_bytes();
    format!(
        "04:7C:16:{a:02X}:{b:02X}:{c:02X}|DISK-{run}-{n:010}|BOARD-{run}-{n:010}|BFEBFBFF00090672"
    )
    .to_uppercase()
}
