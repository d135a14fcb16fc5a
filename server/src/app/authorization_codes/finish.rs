//! The commands that store what the marketplace answered about a code, or that it did not answer.

use koogallery::license_code::{CodeInfo, LicenseCodeStatus};
use koogallery::{Failure, Remedy};
use license_core::activation_code::ActivationCode;
use license_core::time::DAY;

use super::stored_code::{given_back, instance_of, refused, set_end, terms};
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::client_license::refusals::order_pending;
use crate::app::command::{Command, Failed};
use crate::app::event::Event;
use crate::app::issuance::reevaluate;
use crate::app::market::release::give_back;
use crate::app::order_terms::product_of;
use crate::app::transaction::UnitOfWork;
use crate::store::{CodeRow, CodeState, Footprint, Instance, InstanceState, StoreError, Tx};

/// How long a code that the marketplace answers for wrongly is not asked about again.
const REFUSED_RETRY_INTERVAL: i64 = 3600;

/// An attempt to activate a code ended.
#[derive(Clone)]
pub(crate) struct FinishActivation {
    pub(crate) code: String,
    pub(crate) outcome: Result<CodeInfo, Failure>,
    /// Nothing was sent at all: no connection was made.
    pub(crate) unsent: bool,
    /// After a failure that passes: when to try again.
    pub(crate) next_at: i64,
}

impl Command for FinishActivation {
    /// Refused where there is nothing to use yet; the program gets the refusal.
    type Output = ();
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.name("code", &self.code);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        work.publish(Event::CodeAnswered { code: self.code.clone() });
        let Some(mut row) = tx.code(&self.code).await? else { return Err(order_pending().into()) };
        if row.state != CodeState::Activating {
            // Another answer came first.
            return Ok(());
        }
        match &self.outcome {
            Ok(info) if info.status == Some(LicenseCodeStatus::Released) => {
                tx.remove_code(&row.code).await?;
                Err(given_back().into())
            }
            Ok(info) => Ok(open(tx, work, &mut row, info).await?),
            Err(failure) if failure.remedy != Remedy::TryAgain => {
                // Nothing is kept of a code that is none; the next program that has it asks anew.
                tx.remove_code(&row.code).await?;
                Err(refused(failure).into())
            }
            Err(failure) => {
                row.unanswered = !(self.unsent && row.attempts <= 1);
                note_failure(&mut row, failure, self.next_at);
                tx.put_code(&row).await?;
                Err(order_pending().into())
            }
        }
    }
}

/// An attempt to ask about a code ended.
#[derive(Clone)]
pub(crate) struct FinishHeartbeat {
    pub(crate) code: String,
    pub(crate) outcome: Result<CodeInfo, Failure>,
    /// After a failure that passes: when to try again.
    pub(crate) next_at: i64,
}

impl Command for FinishHeartbeat {
    type Output = ();
    type Error = StoreError;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.name("code", &self.code);
    }

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        work.publish(Event::CodeAnswered { code: self.code.clone() });
        let now = work.now.as_secs();
        let Some(mut row) = tx.code(&self.code).await? else { return Ok(()) };
        let Some(mut instance) = instance_of(tx, &row).await? else { return Ok(()) };
        match &self.outcome {
            Ok(_) if row.state == CodeState::Released => {}
            Ok(info) => {
                note_answer(&mut row, info);
                row.beaten_at = Some(now);
                obey(tx, work, &mut row, &mut instance, info).await?;
            }
            // What is stored goes on counting: production does not stop because of a question.
            Err(failure) => {
                let mut next_at = self.next_at;
                if failure.remedy != Remedy::TryAgain {
                    row.beaten_at = Some(now);
                    next_at = now + REFUSED_RETRY_INTERVAL;
                }
                note_failure(&mut row, failure, next_at);
            }
        }
        tx.put_code(&row).await
    }
}

fn note_failure(row: &mut CodeRow, failure: &Failure, next_at: i64) {
    row.asking_until = 0;
    row.next_at = next_at;
    row.last_code = Some(failure.code.clone());
    let (english, chinese) = (failure.meaning, failure.meaning_zh);
    row.last_message = Some(format!("{english} / {chinese} ({})", failure.message));
}

fn note_answer(row: &mut CodeRow, info: &CodeInfo) {
    row.asking_until = 0;
    row.next_at = 0;
    row.attempts = 0;
    row.unanswered = false;
    row.last_code = None;
    row.last_message = None;
    row.answer = Some(info.raw.clone());
}

/// Makes the instance of a code that was activated.
async fn open(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    row: &mut CodeRow,
    info: &CodeInfo,
) -> Result<(), StoreError> {
    let now = work.now.as_secs();
    let id = work.context.id();
    let over = info.status == Some(LicenseCodeStatus::Expired);
    let expires = if over { Some(info.expires.unwrap_or(now).min(now)) } else { info.expires };
    let product = match &info.product_id {
        Some(goods) => product_of(tx, goods, info.sku_code.as_deref().unwrap_or_default()).await?,
        None => None,
    };
    let instance = Instance {
        id: id.clone(),
        order_id: info.order_id.clone().unwrap_or_else(|| id.clone()),
        // One order may have brought several codes, and none of them is to be read here.
        line_id: format!("code-{id}"),
        activation_code: ActivationCode::from_random(work.context.random()).to_string(),
        state: InstanceState::Active,
        created_at: now,
        changed_at: now,
        market_product: info.product_id.clone(),
        sku: info.sku_code.clone(),
        product,
        quantity: Some(i64::from(info.quantity())),
        period: Some(expires.is_some()),
        charging: None,
        trial: Some(false),
        customer: None,
        expires,
        expires_set: expires.is_some(),
        machines_used: 0,
        judge_due: false,
        first_edition: false,
    };
    if !tx.add_instance(&instance).await? {
        return Err(StoreError::Contended("an instance cannot be added".to_owned()));
    }
    let created = AuditEntry::new("instance.create", &Actor::Program);
    work.audit(created.about("instance", &id).about("order", &instance.order_id));
    note_answer(row, info);
    row.state = if over { CodeState::Expired } else { CodeState::Active };
    row.instance_id = Some(id);
    row.activated_at = Some(now);
    row.changed_at = now;
    tx.put_code(row).await
}

/// The heartbeat's answer is authoritative: it ends, prolongs and changes what was bought.
async fn obey(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    row: &mut CodeRow,
    instance: &mut Instance,
    info: &CodeInfo,
) -> Result<(), StoreError> {
    let now = work.now.as_secs();
    let known = (row.state, instance.expires, instance.quantity);
    match info.status {
        Some(LicenseCodeStatus::Released) => {
            row.state = CodeState::Released;
            give_back(tx, work, instance).await?;
        }
        Some(LicenseCodeStatus::Expired) => {
            row.state = CodeState::Expired;
            let end = info.expires.or(instance.expires).unwrap_or(now).min(now);
            set_end(tx, instance, end, now).await?;
        }
        _ => {
            row.state = CodeState::Active;
            // Alive beyond the end that was estimated: until the next question.
            let estimate = instance.expires.filter(|at| *at <= now).map(|_| now + DAY);
            if let Some(end) = info.expires.or(estimate) {
                set_end(tx, instance, end, now).await?;
            }
            let quantity = Some(i64::from(info.quantity()));
            if info.amount.is_some() && instance.quantity != quantity {
                instance.quantity = quantity;
                tx.put_instance_terms(&instance.id, &terms(instance), now).await?;
            }
        }
    }
    if known != (row.state, instance.expires, instance.quantity) {
        row.changed_at = now;
        if row.state != CodeState::Released {
            let beaten =
                AuditEntry::new("code.heartbeat", &Actor::Marketplace).outcome(row.state.as_str());
            work.audit(beaten.about("instance", &instance.id));
            reevaluate(tx, work, instance, None).await?;
        }
    }
    Ok(())
}
