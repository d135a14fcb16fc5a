//! The command with which the use of a code begins: says what to ask the marketplace first, and
//! stores that before it is asked, so that one question runs at a time and none is lost.

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
const EXPIRED_QUERY_INTERVAL: i64 = 600;
/// Codes that may wait for the marketplace's first answer: invented texts must not fill the database
/// while it does not answer.
const MAX_ACTIVATING: i64 = 1000;

/// Whether the marketplace may be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum QueryPermission {
    /// Yes.
    Granted,
    /// Its queues rest.
    Paused,
    /// It is not configured.
    NotConfigured,
}

/// What to do next with a code.
pub(crate) enum CodeStep {
    /// Judge the program as one with this activation code of ours. `under_way`: another request
    /// asks the marketplace.
    Use { activation_code: String, under_way: bool },
    /// Activate it. `again`: an earlier attempt may have arrived.
    Activate { since: i64, again: bool, attempts: i64 },
    /// Ask about it, and then use it.
    Heartbeat { attempts: i64 },
    /// Another request activates it.
    Wait,
    /// There is nothing to use.
    Refuse(ApiError),
}

/// Says what to do next, and leases the code where the marketplace is to be asked.
pub(crate) struct BeginUse {
    pub(crate) code: String,
    pub(crate) permission: QueryPermission,
}

impl Command for BeginUse {
    type Output = CodeStep;
    type Error = StoreError;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.name("code", &self.code);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<CodeStep, StoreError> {
        let now = work.now.as_secs();
        let Some(mut row) = tx.code(&self.code).await? else { return self.first(tx, work).await };
        // A time that no clock of ours can have set is none.
        let asking = row.asking_until > now && row.asking_until <= now + QUERY_LEASE;
        match row.state {
            CodeState::Released => Ok(CodeStep::Refuse(given_back())),
            CodeState::Activating if asking => Ok(CodeStep::Wait),
            CodeState::Activating => {
                // Nothing waits for a time that a clock set which was ahead.
                let waits = row.next_at > now && row.next_at <= now + LONGEST_WAIT;
                if self.permission != QueryPermission::Granted || waits {
                    return Ok(CodeStep::Refuse(order_pending()));
                }
                let again = std::mem::replace(&mut row.unanswered, true);
                self.ask(tx, work, &mut row).await?;
                let (since, attempts) = (row.used_since, row.attempts);
                Ok(CodeStep::Activate { since, again, attempts })
            }
            CodeState::Active | CodeState::Expired => self.known(tx, work, row, asking).await,
        }
    }
}

impl BeginUse {
    /// Written before anything is sent: whatever happens then, it may have arrived.
    async fn first(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<CodeStep, StoreError> {
        match self.permission {
            QueryPermission::Granted => {}
            QueryPermission::Paused => return Ok(CodeStep::Refuse(order_pending())),
            QueryPermission::NotConfigured => return Ok(CodeStep::Refuse(code_unknown())),
        }
        if tx.codes_activating().await? >= MAX_ACTIVATING {
            return Ok(CodeStep::Refuse(order_pending()));
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
            return Ok(CodeStep::Wait);
        }
        work.publish(Event::CodeAsked { code: self.code.clone() });
        Ok(CodeStep::Activate { since: now, again: false, attempts: 1 })
    }

    async fn known(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
        mut row: CodeRow,
        asking: bool,
    ) -> Result<CodeStep, StoreError> {
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
            return Ok(CodeStep::Use { activation_code, under_way: true });
        }
        let ended = row.state == CodeState::Expired || instance.expires.is_some_and(|at| at <= now);
        let due = row.beaten_at.is_none_or(|at| {
            at.div_euclid(DAY) != now.div_euclid(DAY)
                || (ended && at + EXPIRED_QUERY_INTERVAL <= now)
        });
        if !due || self.permission != QueryPermission::Granted || row.next_at > now {
            return Ok(CodeStep::Use { activation_code, under_way: false });
        }
        self.ask(tx, work, &mut row).await?;
        Ok(CodeStep::Heartbeat { attempts: row.attempts })
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
