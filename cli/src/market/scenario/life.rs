//! One order lives: each step is sent until it is accepted, as long as the marketplace would.

use std::time::{Duration, Instant};

use license_core::time::Timestamp;

use super::belief::{Applied, Belief, Standing};
use super::file::{ATTEMPTS, Scenario};
use super::plan::{Plan, Step};
use super::play::Tally;
use super::sale::{Sale, line_of};
use crate::market::code_book::{Change, Purchase};
use crate::market::console::stamp;
use crate::market::dice::Dice;
use crate::market::message::Message;
use crate::market::open_api::{Marketplace, locked};
use crate::market::seller::{PATIENCE, Reply, Seller, Sellers};

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
const TRIAL: i64 = 30 * DAY;
/// How often the arrival of a license is looked for.
const LOOK: Duration = Duration::from_millis(50);

const DONE: &[&str] = &["000000"];
const ACCEPTED: &[&str] = &["000000", "000004"];
const OUT_OF_VALIDITY: &[&str] = &["000901"];
const UNKNOWN: &[&str] = &["000003"];

/// Everything around an order.
pub(super) struct World<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) sellers: &'a Sellers,
    pub(super) marketplace: &'a Marketplace,
    pub(super) tally: &'a Tally,
    /// Tells this run's orders from those of another.
    pub(super) run: String,
}

/// One order and what is still to come.
pub(super) struct Life {
    pub(super) belief: Belief,
    plan: Plan,
    dice: Dice,
    number: u32,
    next: usize,
    attempts: u32,
    pending: Option<Pending>,
    /// When the licenses must be there.
    until: Option<Instant>,
    before_renewal: Option<Timestamp>,
    last_order: String,
    orders: u32,
}

/// A call that is being tried.
#[derive(Clone)]
struct Pending {
    message: Message,
    expected: &'static [&'static str],
}

impl Life {
    /// The order is paid, and can be looked up.
    pub(super) fn begin(number: u32, world: &World<'_>) -> Self {
        let mut dice = Dice::of(world.scenario.seed, number.into());
        let plan = Plan::of(world.scenario, &mut dice);
        let order = format!("CS{}{number:06}", world.run);
        let now = world.marketplace.now().as_secs();
        let expires = (!plan.perpetual).then(|| now + if plan.trial { TRIAL } else { YEAR });
        let belief = Belief {
            order_line_id: line_of(&order),
            order_id: order.clone(),
            expires: expires.map(Timestamp::from_secs),
            quantity: plan.quantity,
            ..Belief::default()
        };
        let kind = if plan.trial && !plan.perpetual { "TRIAL" } else { "NEW" };
        let mut life = Self {
            belief,
            plan,
            dice,
            number,
            next: 0,
            attempts: 0,
            pending: None,
            until: None,
            before_renewal: None,
            last_order: order.clone(),
            orders: 0,
        };
        life.sell(&order, kind, world);
        if life.plan.code {
            life.sell_code(world);
        }
        life
    }

    fn sell_code(&mut self, world: &World<'_>) {
        let name = format!("PL{}{:06}", world.run, self.number);
        let purchase = Purchase {
            order_id: self.belief.order_id.clone(),
            product_id: world.scenario.product.market_id.clone(),
            amount: self.belief.quantity,
            days: YEAR / DAY,
            received: true,
        };
        let now = world.marketplace.now();
        locked(&world.marketplace.codes).sell(name.clone(), &purchase, now);
        self.belief.license_code = Some(name);
    }

    fn sell(&mut self, order: &str, kind: &str, world: &World<'_>) {
        let product = &world.scenario.product;
        let sale = Sale {
            id: order,
            kind,
            product_id: &product.market_id,
            sku_code: &product.sku_code,
            quantity: self.belief.quantity,
            expires: self.belief.expires.map(Timestamp::as_secs),
            now: world.marketplace.now().as_secs(),
        };
        locked(&world.marketplace.orders).sell(order.to_owned(), sale.json());
    }

    /// Another order of the same buyer, about the same instance.
    fn sell_more(&mut self, kind: &str, world: &World<'_>) {
        self.orders += 1;
        let order = format!("{}-{}{}", self.belief.order_id, &kind[..2], self.orders);
        self.sell(&order, kind, world);
        self.last_order = order;
    }

    /// Does what is due; gives the time until there is more to do, none when its life is over.
    pub(super) fn advance(&mut self, world: &World<'_>) -> Option<Duration> {
        let step = *self.plan.steps.get(self.next)?;
        match step {
            Step::Await => Some(self.look(world)),
            Step::UseCode | Step::UseCodeInVain => self.use_code(step, world),
            _ => self.call(step, world),
        }
    }

    fn done(&mut self, world: &World<'_>) -> Duration {
        self.next += 1;
        self.attempts = 0;
        self.pending = None;
        self.until = None;
        let pause = world.scenario.pause_seconds;
        let thousandths = u32::try_from(self.dice.below(2_000)).unwrap_or(0);
        Duration::from_secs_f64(pause * f64::from(thousandths) / 1_000.0)
    }

    fn look(&mut self, world: &World<'_>) -> Duration {
        let missing = {
            let ledger = locked(&world.marketplace.ledger);
            let mut events = self.belief.licenses.iter().map(|applied| &applied.event_id);
            events.find(|event| !ledger.has(event)).cloned()
        };
        let Some(missing) = missing else { return self.done(world) };
        let patience = Duration::from_secs_f64(world.scenario.patience_seconds);
        let until = *self.until.get_or_insert_with(|| Instant::now() + patience);
        if Instant::now() < until {
            return LOOK;
        }
        self.belief.disagree(format!("no license arrived for event {missing}"));
        self.done(world)
    }

    /// A program comes to the seller with its code.
    fn use_code(&mut self, step: Step, world: &World<'_>) -> Option<Duration> {
        world.tally.called();
        self.belief.calls += 1;
        let seller = &world.sellers.basic;
        let code = self.belief.license_code.clone().unwrap_or_default();
        let asked = seller.fresh::<16>().and_then(|nonce| {
            seller.ask_as_program(&serde_json::json!({
                "product": world.scenario.product.id, "activation_code": code,
                "dev_info": device(&world.run, self.number, 0), "form": "string",
                "version": "1.0.0", "nonce": nonce,
            }))
        });
        let why = match (asked, step) {
            (Ok(reply), Step::UseCode) if reply.status == 200 => {
                self.belief.state = Standing::Active;
                self.belief.machines.insert(0);
                return Some(self.done(world));
            }
            (Ok(reply), Step::UseCodeInVain) if (400..500).contains(&reply.status) => {
                return Some(self.done(world));
            }
            (Ok(reply), Step::UseCodeInVain) if reply.status == 200 => {
                self.belief.disagree("a code that was released still gives a license");
                return Some(self.done(world));
            }
            (Ok(reply), _) => reply.member("code").unwrap_or(reply.text.as_str()).to_owned(),
            (Err(error), _) => error.root_cause().to_string(),
        };
        self.failed(step, None, &why, world)
    }

    fn call(&mut self, step: Step, world: &World<'_>) -> Option<Duration> {
        let pending = match self.pending.take() {
            Some(pending) => pending,
            None => self.prepare(step, world),
        };
        self.belief.calls += 1;
        let seller = match step {
            Step::Notify => world.sellers.general.as_ref(),
            Step::RenewCode | Step::FreezeCode | Step::UnfreezeCode | Step::ReleaseCode => {
                world.sellers.license_code.as_ref()
            }
            _ => None,
        };
        let seller = seller.unwrap_or(&world.sellers.basic);
        let sent = send(seller, &pending.message, world);
        let accepted = sent.and_then(|reply| {
            accept(&reply, pending.expected)?;
            self.believe(step, &pending.message, &reply)?;
            Ok(())
        });
        if let Err(why) = accepted {
            return self.failed(step, Some(pending), &why, world);
        }
        if self.dice.chance(world.scenario.resend) {
            self.send_again(step, &pending, seller, world);
        }
        Some(self.done(world))
    }

    /// The answer was lost on its way, so the marketplace asks again.
    fn send_again(&mut self, step: Step, pending: &Pending, seller: &Seller, world: &World<'_>) {
        world.tally.resends();
        self.belief.calls += 1;
        let Ok(reply) = send(seller, &pending.message, world) else { return };
        let same = step != Step::Create
            || reply.member("instanceId") == self.belief.instance_id.as_deref();
        let internal = reply.status != 200 || reply.result_code() == Some("000005");
        if !internal && (!same || accept(&reply, pending.expected).is_err()) {
            self.belief.disagree(format!("{step:?} sent again: {}", reply.summary()));
        }
    }

    fn failed(
        &mut self,
        step: Step,
        pending: Option<Pending>,
        why: &str,
        world: &World<'_>,
    ) -> Option<Duration> {
        world.tally.failed();
        self.belief.failed += 1;
        self.attempts += 1;
        if self.attempts < ATTEMPTS {
            self.pending = pending;
            return Some(world.scenario.interval());
        }
        // Two hours are over.
        if step == Step::Create {
            self.belief.state = Standing::Refunded;
        }
        self.belief.disagree(format!("{step:?} failed {ATTEMPTS} times: {why}"));
        // Nobody waits for what was only told.
        (step == Step::Notify).then(|| self.done(world))
    }

    fn prepare(&mut self, step: Step, world: &World<'_>) -> Pending {
        let instance = self.belief.instance_id.clone().unwrap_or_default();
        let to = |activity: &str| Message::real(activity).with("instanceId", &instance);
        let accepted = |message| Pending { message, expected: ACCEPTED };
        let done = |message| Pending { message, expected: DONE };
        match step {
            Step::Notify => done(self.about_order("orderNotify").with("testFlag", "0")),
            Step::Create => accepted(self.about_order("newInstance")),
            Step::Query | Step::Await => done(to("queryInstance")),
            Step::Apply(machine) => accepted(self.application(machine, world)),
            Step::ApplyFrozen => {
                Pending { message: self.application(0, world), expected: OUT_OF_VALIDITY }
            }
            Step::ApplyReleased => {
                Pending { message: self.application(0, world), expected: UNKNOWN }
            }
            Step::Convert => {
                let year = world.marketplace.now().plus(YEAR);
                self.belief.expires = Some(year);
                self.sell_more("TRIAL_TO_FORMAL", world);
                done(self.refresh("TRIAL_TO_FORMAL"))
            }
            Step::Renew => {
                self.before_renewal = self.belief.expires;
                self.belief.expires = self.belief.expires.map(|end| end.plus(YEAR));
                self.sell_more("RENEW", world);
                done(self.refresh("RENEWAL"))
            }
            Step::RefundRenewal => {
                self.belief.expires = self.before_renewal;
                done(self.refresh("UNSUBSCRIBE_RENEWAL_PERIOD"))
            }
            Step::Upgrade => {
                self.belief.quantity += 1 + u32::try_from(self.dice.below(3)).unwrap_or(0);
                self.sell_more("CHANGE", world);
                let message = to("upgradeInstance").with("orderId", &self.last_order);
                accepted(message.with("orderLineId", line_of(&self.last_order)))
            }
            Step::Freeze => done(to("updateInstanceStatus").with("status", "FREEZE")),
            Step::Unfreeze => done(to("updateInstanceStatus").with("status", "UNFREEZE")),
            Step::Release => {
                let message = to("releaseInstance");
                if self.dice.chance(0.5) {
                    return done(message);
                }
                self.sell_more("UNSUBSCRIBE", world);
                let message = message.with("orderId", &self.last_order);
                done(message.with("orderLineId", line_of(&self.last_order)))
            }
            Step::FreezeCode => done(self.about_code("updateLicenseCodeStatus", "FREEZE")),
            Step::UnfreezeCode => done(self.about_code("updateLicenseCodeStatus", "UNFREEZE")),
            Step::RenewCode | Step::ReleaseCode => done(self.code_ends(step, world)),
            Step::UseCode | Step::UseCodeInVain => done(Message::bare()),
        }
    }

    fn about_code(&self, activity: &str, status: &str) -> Message {
        let code = self.belief.license_code.as_deref().unwrap_or_default();
        let status = Some(status).filter(|status| !status.is_empty());
        Message::real(activity).with("license", code).with_any("status", status)
    }

    /// A renewal or a release: the marketplace's own book changes first.
    fn code_ends(&mut self, step: Step, world: &World<'_>) -> Message {
        let code = self.belief.license_code.clone().unwrap_or_default();
        let now = world.marketplace.now();
        let change = if step == Step::RenewCode {
            self.belief.expires = self.belief.expires.map(|end| end.plus(YEAR));
            self.sell_more("RENEW", world);
            Change::Until(self.belief.expires.unwrap_or(now))
        } else {
            Change::Release
        };
        locked(&world.marketplace.codes).change(&code, change, now);
        if step == Step::ReleaseCode {
            return self.about_code("releaseLicenseCode", "");
        }
        let end = self.belief.expires.map(Timestamp::as_secs).unwrap_or_default();
        self.about_code("refreshLicenseCode", "")
            .with("scene", "RENEWAL")
            .with("orderId", &self.last_order)
            .with("orderLineId", line_of(&self.last_order))
            .with("expireTime", stamp("%Y%m%d%H%M%S", end))
    }

    fn about_order(&self, activity: &str) -> Message {
        Message::real(activity)
            .with("orderId", &self.belief.order_id)
            .with("orderLineId", &self.belief.order_line_id)
    }

    fn refresh(&self, scene: &str) -> Message {
        let end = self.belief.expires.map(Timestamp::as_secs).unwrap_or_default();
        Message::real("refreshInstance")
            .with("scene", scene)
            .with("orderId", &self.last_order)
            .with("orderLineId", line_of(&self.last_order))
            .with("instanceId", self.belief.instance_id.as_deref().unwrap_or_default())
            .with("expireTime", stamp("%Y%m%d%H%M%S", end))
    }

    fn application(&mut self, machine: u32, world: &World<'_>) -> Message {
        let time = |secs: i64| stamp("%Y-%m-%d %H:%M:%S z", secs);
        let event = format!("EV-{}-{}", self.belief.order_id, self.next);
        Message::real("getLicenseAsync")
            .with("instanceId", self.belief.instance_id.as_deref().unwrap_or_default())
            .with("eventId", event)
            .with("effectiveTime", time(world.marketplace.now().as_secs()))
            .with_any("expireTime", self.belief.expires.map(|end| time(end.as_secs())))
            .with("deviceFingerprint", device(&world.run, self.number, machine))
    }

    /// What an accepted step means; an answer that lacks what it has to hold is a failure.
    fn believe(&mut self, step: Step, message: &Message, reply: &Reply) -> Result<(), String> {
        match step {
            Step::Create => {
                let id = reply.member("instanceId").filter(|id| !id.is_empty() && id.len() <= 64);
                let id = id.ok_or("no instanceId of 1 to 64 characters")?;
                self.belief.instance_id = Some(id.to_owned());
                self.belief.state = Standing::Active;
            }
            Step::Query => {
                let id = self.belief.instance_id.as_deref().unwrap_or_default();
                if !crate::market::console::names_instance(reply, id) {
                    return Err("info does not name the instance".to_owned());
                }
            }
            Step::Apply(machine) => {
                let member = |name| message.member(name).unwrap_or_default().to_owned();
                let (event_id, dev_info) = (member("eventId"), member("deviceFingerprint"));
                self.belief.machines.insert(machine);
                self.belief.licenses.push(Applied { event_id, dev_info });
            }
            Step::Freeze | Step::FreezeCode => self.belief.state = Standing::Frozen,
            Step::Unfreeze | Step::UnfreezeCode => self.belief.state = Standing::Active,
            Step::Release | Step::ReleaseCode => self.belief.state = Standing::Released,
            _ => {}
        }
        Ok(())
    }
}

/// Signed anew each time, with the businessId of this request.
fn send(seller: &Seller, message: &Message, world: &World<'_>) -> Result<Reply, String> {
    world.tally.called();
    let words = |error: anyhow::Error| error.root_cause().to_string();
    let mut message = message.clone();
    if message.member("activity") == Some("newInstance") {
        message = message.with("businessId", seller.fresh::<16>().map_err(words)?);
    }
    seller.send(&seller.sign(message.json()).map_err(words)?).map_err(words)
}

fn accept(reply: &Reply, expected: &[&str]) -> Result<(), String> {
    if reply.took > PATIENCE {
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
