//! A program uses a code: what has to be asked of the marketplace first, written down before it is
//! asked, so that one question is asked at a time and none is forgotten.

use license_core::time::DAY;

use super::stored_code::{given_back, instance_of, terms};
use crate::app::client_license::refusals::{code_unknown, order_pending};
use crate::app::command::Command;
use crate::app::event::Event;
use crate::app::order_terms::product_of;
use crate::app::transaction::UnitOfWork;
use crate::error::ApiError;
use crate::outbound::backoff::LONGEST_WAIT;
use crate::store::{CodeRow, CodeState, Footprint, StoreError, Terms, Tx};

/// How long one question may take before others ask: above every time-out of the way out.
const QUERY_LEASE: i64 = 60;
/// After it ended, a code is asked about more often than once a day: it may have been renewed.
const ENDED: i64 = 600;
/// Codes that wait for the marketplace's first answer, at most: texts that nobody sold must not
/// fill the database while it is silent.
const WAITING: i64 = 1000;

/// Whether the marketplace may be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Leave {
    /// Yes.
    Ask,
    /// Its queues rest.
    NotNow,
    /// It is not configured.
    Never,
}

/// What comes next.
pub(crate) enum Step {
    /// Judge the program as one with this activation code of ours. `under_way`: the marketplace is
    /// being asked, by somebody else.
    Use { activation_code: String, under_way: bool },
    /// Activate it. `again`: an earlier attempt may have arrived.
    Activate { since: i64, again: bool, attempts: i64 },
    /// Ask about it, and then use it.
    Beat { attempts: i64 },
    /// Somebody else activates it just now.
    Wait,
    /// There is nothing to use.
    Refuse(ApiError),
}

/// One step.
pub(crate) struct BeginCode {
    pub(crate) code: String,
    pub(crate) leave: Leave,
}

impl Command for BeginCode {
    type Output = Step;
    type Error = StoreError;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.name("code", &self.code);
    }

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<Step, StoreError> {
        let now = work.now.as_secs();
        let Some(mut row) = tx.code(&self.code).await? else { return self.first(tx, work).await };
        // A time that no clock of ours can have set is none.
        let asking = row.asking_until > now && row.asking_until <= now + QUERY_LEASE;
        match row.state {
            CodeState::Released => Ok(Step::Refuse(given_back())),
            CodeState::Activating if asking => Ok(Step::Wait),
            CodeState::Activating => {
                // Nothing waits for a time that a clock set which was ahead.
                let waits = row.next_at > now && row.next_at <= now + LONGEST_WAIT;
                if self.leave != Leave::Ask || waits {
                    return Ok(Step::Refuse(order_pending()));
                }
                let again = std::mem::replace(&mut row.unanswered, true);
                self.ask(tx, work, &mut row).await?;
                let (since, attempts) = (row.used_since, row.attempts);
                Ok(Step::Activate { since, again, attempts })
            }
            CodeState::Active | CodeState::Expired => self.known(tx, work, row, asking).await,
        }
    }
}

impl BeginCode {
    /// Written before anything is sent: whatever happens then, it may have arrived.
    async fn first(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<Step, StoreError> {
        match self.leave {
            Leave::Ask => {}
            Leave::NotNow => return Ok(Step::Refuse(order_pending())),
            Leave::Never => return Ok(Step::Refuse(code_unknown())),
        }
        if tx.codes_activating().await? >= WAITING {
            return Ok(Step::Refuse(order_pending()));
        }
        let now = work.now.as_secs();
        let row = CodeRow {
            code: self.code.clone(),
            state: CodeState::Activating,
            instance_id: None,
            used_since: now,
            activated_at: None,
            beaten_at: None,
            asking_until: now + QUERY_LEASE,
            next_at: now,
            attempts: 1,
            unanswered: true,
            last_code: None,
            last_message: None,
            answer: None,
            created_at: now,
            changed_at: now,
        };
        if !tx.add_code(&row).await? {
            return Ok(Step::Wait);
        }
        work.publish(Event::CodeAsked { code: self.code.clone() });
        Ok(Step::Activate { since: now, again: false, attempts: 1 })
    }

    async fn known(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        mut row: CodeRow,
        asking: bool,
    ) -> Result<Step, StoreError> {
        let now = work.now.as_secs();
        let Some(instance) = instance_of(tx, &row).await? else {
            return Err(StoreError::Broken("an active code without an instance".to_owned()));
        };
        // A product that was configured after the code was activated.
        if let (None, Some(goods)) = (&instance.product, &instance.market_product) {
            let sku = instance.sku.as_deref().unwrap_or_default();
            let product = product_of(tx, goods, sku).await?;
            if product.is_some() {
                let terms = Terms { product, ..terms(&instance) };
                tx.put_instance_terms(&instance.id, &terms, now).await?;
            }
        }
        let activation_code = instance.activation_code;
        if asking {
            return Ok(Step::Use { activation_code, under_way: true });
        }
        let ended = row.state == CodeState::Expired || instance.expires.is_some_and(|at| at <= now);
        let due = row.beaten_at.is_none_or(|at| {
            at.div_euclid(DAY) != now.div_euclid(DAY) || (ended && at + ENDED <= now)
        });
        if !due || self.leave != Leave::Ask || row.next_at > now {
            return Ok(Step::Use { activation_code, under_way: false });
        }
        self.ask(tx, work, &mut row).await?;
        Ok(Step::Beat { attempts: row.attempts })
    }

    async fn ask(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        row: &mut CodeRow,
    ) -> Result<(), StoreError> {
        let now = work.now.as_secs();
        row.asking_until = now + QUERY_LEASE;
        row.attempts += 1;
        if row.state == CodeState::Activating {
            row.changed_at = now;
        }
        tx.put_code(row).await?;
        work.publish(Event::CodeAsked { code: self.code.clone() });
        Ok(())
    }
}
