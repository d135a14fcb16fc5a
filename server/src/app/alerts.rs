//! Alerts: raised, stored with their cause, delivered to the configured receivers, listed for
//! operators.

pub(crate) mod raise;

use license_core::{Code, Timestamp, api};
use serde::Deserialize;
use serde_json::{Value, json};

use super::command::Command;
use super::transaction::UnitOfWork;
use super::{App, issuance, paging, views};
use crate::alerts::{Alert, AlertKind};
use crate::error::ApiError;
use crate::store::{
    AlertQuery, AlertRow, AlertTarget, DeliveryRow, DeliveryState, Lease, StoreError, Tx,
};

use raise::{store, targets};

/// Seconds for which alerts are listed.
const RETENTION: i64 = 30 * 86_400;

/// Stores alerts that were raised, and logged, outside of a transaction.
pub(crate) struct StoreAlerts {
    pub(crate) alerts: Vec<Alert>,
}

impl Command for StoreAlerts {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        for alert in &self.alerts {
            store(tx, work, &work.context.id(), alert).await?;
        }
        Ok(())
    }
}

/// Stores an alert of the kind `Test`, so that an operator sees whether alerts arrive.
pub(crate) struct TestAlert;

impl Command for TestAlert {
    /// Its id.
    type Output = String;
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<String, StoreError> {
        let id = work.context.id();
        // A subject of its own, so that a second test within the hour is delivered as well. It is
        // not logged: nothing happened that a reader of the log should look at.
        store(tx, work, &id, &AlertKind::Test.about(&id)).await?;
        Ok(id)
    }
}

/// Leases deliveries that are due.
pub(crate) struct ClaimDeliveries {
    pub(crate) limit: i64,
}

/// One delivery and what it sends.
pub(crate) struct AlertMessage {
    pub(crate) row: DeliveryRow,
    /// The same bytes at every attempt.
    pub(crate) body: Vec<u8>,
}

impl Command for ClaimDeliveries {
    type Output = Vec<AlertMessage>;
    type Error = StoreError;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, StoreError> {
        let targets = targets(work.context);
        let lease = Lease::of(&work.context.server);
        let taken = tx.claim_deliveries(work.now.as_secs(), self.limit, &targets, &lease).await?;
        let mut messages = Vec::with_capacity(taken.len());
        for row in taken {
            if let Some(alert) = tx.alert(&row.alert_id).await? {
                messages.push(AlertMessage { body: body(&alert, &work.context.issuer), row });
            }
        }
        Ok(messages)
    }
}

/// The JSON that receivers get.
fn body(alert: &AlertRow, issuer: &str) -> Vec<u8> {
    json!({
        "id": alert.id,
        "alert": alert.alert,
        "level": alert.level,
        "subject": alert.subject,
        "message": alert.message,
        "message_zh": chinese(alert),
        "fields": fields(alert),
        "at": alert.at,
        "issuer": issuer,
    })
    .to_string()
    .into_bytes()
}

/// The sentence of the alert's word; a word of another version keeps its English message.
fn chinese(alert: &AlertRow) -> &str {
    AlertKind::of_word(&alert.alert).map_or(alert.message.as_str(), |kind| kind.zh())
}

fn fields(alert: &AlertRow) -> Value {
    serde_json::from_str(&alert.fields).unwrap_or_default()
}

/// Records how an attempt at a delivery ended.
#[derive(Clone)]
pub(crate) struct FinishDelivery {
    pub(crate) id: String,
    pub(crate) outcome: Result<(), String>,
    /// After a failure: when to try again; `None` gives up.
    pub(crate) next_at: Option<i64>,
}

impl Command for FinishDelivery {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        let Some(mut row) = tx.delivery(&self.id).await? else { return Ok(()) };
        let taken_over = row.lease_owner.as_deref() != Some(work.context.server.as_str());
        if row.state != DeliveryState::Sending || (self.outcome.is_err() && taken_over) {
            return Ok(());
        }
        let now = work.now.as_secs();
        match (&self.outcome, self.next_at) {
            (Ok(()), _) => {
                row.state = DeliveryState::Delivered;
                row.last_error = None;
                row.finished_at = Some(now);
            }
            (Err(error), Some(next_at)) => {
                row.state = DeliveryState::Queued;
                row.last_error = Some(error.clone());
                row.next_at = next_at;
            }
            (Err(error), None) => {
                row.state = DeliveryState::Failed;
                row.last_error = Some(error.clone());
                row.finished_at = Some(now);
            }
        }
        tx.put_delivery(&row).await
    }
}

/// Which alerts to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AlertFilter {
    pub(crate) alert: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

/// Alerts from before this time are deleted.
pub(super) fn forgotten_before(now: Timestamp) -> i64 {
    now.as_secs() - RETENTION
}

fn view(alert: &AlertRow, deliveries: &[DeliveryRow]) -> api::AlertView {
    let its = deliveries.iter().filter(|delivery| delivery.alert_id == alert.id);
    api::AlertView {
        alert_id: alert.id.clone(),
        alert: alert.alert.clone(),
        level: alert.level.clone().into(),
        subject: alert.subject.clone(),
        message: alert.message.clone(),
        message_zh: chinese(alert).to_owned(),
        fields: fields(alert),
        at: Timestamp::from_secs(alert.at),
        again: issuance::count(alert.again),
        deliveries: its.map(delivery).collect(),
    }
}

fn delivery(row: &DeliveryRow) -> api::AlertDelivery {
    let state = match row.state {
        // Operators need not see whether a server is sending it at this moment.
        DeliveryState::Queued | DeliveryState::Sending => api::DeliveryStatus::Queued,
        DeliveryState::Delivered => api::DeliveryStatus::Delivered,
        DeliveryState::Failed => api::DeliveryStatus::Failed,
    };
    let target = match row.target {
        AlertTarget::Webhook => api::DeliveryTarget::Webhook,
        AlertTarget::Command => api::DeliveryTarget::Command,
    };
    let queued = state == api::DeliveryStatus::Queued;
    api::AlertDelivery {
        target,
        state,
        attempts: issuance::count(row.attempts),
        error: row.last_error.clone(),
        next_at: queued.then(|| Timestamp::from_secs(row.next_at)),
    }
}

/// Alerts, oldest first.
pub(crate) async fn list(app: &App, filter: &AlertFilter) -> Result<Vec<api::AlertView>, ApiError> {
    let query = AlertQuery {
        alert: filter.alert.clone(),
        after: filter.after.clone(),
        limit: paging::limit(filter.limit)?,
    };
    let mut tx = app.store.read().await?;
    let alerts = tx.alerts(&query).await?;
    let ids: Vec<&str> = alerts.iter().map(|alert| alert.id.as_str()).collect();
    let deliveries = tx.deliveries_of(&ids).await?;
    Ok(alerts.iter().map(|alert| view(alert, &deliveries)).collect())
}

/// One alert.
pub(crate) async fn find(app: &App, id: &str) -> Result<api::AlertView, ApiError> {
    let mut tx = app.store.read().await?;
    match tx.alert(id).await? {
        Some(alert) => Ok(view(&alert, &tx.deliveries_of(&[id]).await?)),
        None => Err(views::not_found("alert", "告警")),
    }
}

/// Sends a test alert.
pub(crate) async fn send_test(app: &App) -> Result<api::AlertView, ApiError> {
    if targets(&app.context).is_empty() {
        return Err(ApiError::new(
            Code::Conflict,
            "nobody is told of alerts: set alerts.webhook or alerts.command, and restart licd",
            "未配置告警接收方：请设置 alerts.webhook 或 alerts.command 并重启 licd",
        ));
    }
    let id = app.writer.write(TestAlert).await?;
    find(app, &id).await
}
