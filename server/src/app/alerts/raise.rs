//! Raises alerts: inside of a transaction, where an alert is stored with its cause, or outside of one,
//! where a worker stores it later.

use serde_json::Value;

use crate::alerts::Alert;
use crate::app::context::Context;
use crate::app::event::Event;
use crate::app::transaction::UnitOfWork;
use crate::store::{AlertRow, AlertTarget, StoreError, Tx};

/// Seconds within which alerts of one word and subject are one alert, which counts them.
const REPEAT_WINDOW: i64 = 3600;

/// The receivers of alerts that are configured.
pub(crate) fn targets(context: &Context) -> Vec<AlertTarget> {
    let webhook = context.notifier.has_webhook().then_some(AlertTarget::Webhook);
    let program = context.notifier.has_program().then_some(AlertTarget::Command);
    webhook.into_iter().chain(program).collect()
}

impl UnitOfWork<'_> {
    /// Raises an alert inside of a transaction: stored together with its cause, logged after the
    /// commit. A transaction that is rolled back leaves neither.
    pub(crate) async fn raise(&mut self, tx: &mut dyn Tx, alert: Alert) -> Result<(), StoreError> {
        store(tx, self, &self.context.id(), &alert).await?;
        self.publish(Event::AlertRaised(alert));
        Ok(())
    }
}

impl Context {
    /// Raises an alert outside of a transaction: logged at once, and queued for the worker that stores it.
    pub(crate) fn raise(&self, alert: Alert) {
        alert.log();
        self.alerts.push(alert);
    }
}

/// Stores an alert and queues its deliveries, unless it repeats one.
pub(super) async fn store(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    id: &str,
    alert: &Alert,
) -> Result<(), StoreError> {
    let row = AlertRow {
        id: id.to_owned(),
        alert: alert.kind.word().to_owned(),
        subject: alert.subject.clone(),
        level: alert.kind.level().to_string(),
        message: alert.message(),
        fields: Value::Object(alert.fields.clone()).to_string(),
        at: work.now.as_secs(),
        again: 0,
    };
    if !tx.add_alert(&row, row.at - REPEAT_WINDOW).await? {
        return Ok(());
    }
    for target in targets(work.context) {
        tx.add_delivery(&row.id, target, row.at).await?;
    }
    work.publish(Event::AlertQueued);
    Ok(())
}
