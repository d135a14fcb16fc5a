//! Alerts.

use async_trait::async_trait;

use super::{DbTx, list};
use crate::store::alerts::ALERT_CLOCKS;
use crate::store::{
    AlertQuery, AlertRow, AlertTarget, Alerts, DeliveryRow, DeliveryState, Lease, StoreError,
};

#[async_trait]
impl Alerts for DbTx {
    async fn add_alert(&mut self, alert: &AlertRow, since: i64) -> Result<bool, StoreError> {
        // Servers that see the same at the same time raise it once.
        self.lock_name(&format!("alert/{}/{}", alert.alert, alert.subject)).await?;
        let again = sqlx::query(
            "UPDATE alerts SET again = again + 1 WHERE id = (SELECT id FROM alerts WHERE \
             alert = $1 AND subject = $2 AND at > $3 AND at <= $4 ORDER BY at DESC LIMIT 1)",
        )
        .bind(&alert.alert)
        .bind(&alert.subject)
        .bind(since)
        .bind(alert.at + ALERT_CLOCKS)
        .execute(self.flushed().await?)
        .await?;
        if again.rows_affected() > 0 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO alerts (id, alert, subject, level, message, fields, at, again) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&alert.id)
        .bind(&alert.alert)
        .bind(&alert.subject)
        .bind(&alert.level)
        .bind(&alert.message)
        .bind(&alert.fields)
        .bind(alert.at)
        .bind(alert.again)
        .execute(self.flushed().await?)
        .await?;
        Ok(true)
    }

    async fn add_delivery(
        &mut self,
        alert_id: &str,
        target: AlertTarget,
        at: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO alert_deliveries (id, alert_id, target, state, attempts, next_at) \
             VALUES ($1, $2, $3, $4, 0, $5)",
        )
        .bind(format!("{alert_id}/{target}"))
        .bind(alert_id)
        .bind(target)
        .bind(DeliveryState::Queued)
        .bind(at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn alert(&mut self, id: &str) -> Result<Option<AlertRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM alerts WHERE id = $1")
            .bind(id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn alerts(&mut self, query: &AlertQuery) -> Result<Vec<AlertRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM alerts WHERE (CAST($1 AS TEXT) IS NULL OR alert = $1) AND \
             (CAST($2 AS TEXT) IS NULL OR id > $2) ORDER BY id LIMIT $3",
        )
        .bind(&query.alert)
        .bind(&query.after)
        .bind(query.limit)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn deliveries_of(&mut self, alerts: &[&str]) -> Result<Vec<DeliveryRow>, StoreError> {
        Ok(sqlx::query_as(concat!(
            "SELECT * FROM alert_deliveries WHERE alert_id ",
            in_list!("$1"),
            " ORDER BY id"
        ))
        .bind(list(alerts)?)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn claim_deliveries(
        &mut self,
        now: i64,
        limit: i64,
        targets: &[AlertTarget],
        lease: &Lease,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let targets = words(targets);
        Ok(sqlx::query_as(claim!(
            "alert_deliveries",
            "",
            set concat!(
                "state = 'sending', attempts = attempts + 1, lease_owner = $4, lease_until = ",
                now_secs!(),
                " + $5"
            ),
            due concat!(
                "state = 'queued' AND next_at <= $1 AND target ",
                in_list!("$3"),
                " ORDER BY next_at LIMIT $2"
            ),
            returning "*"
        ))
        .bind(now)
        .bind(limit)
        .bind(list(&targets)?)
        .bind(&lease.owner)
        .bind(lease.seconds)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn delivery(&mut self, id: &str) -> Result<Option<DeliveryRow>, StoreError> {
        Ok(sqlx::query_as(row_lock!(self, "SELECT * FROM alert_deliveries WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn put_delivery(&mut self, row: &DeliveryRow) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE alert_deliveries SET state = $2, next_at = $3, last_error = $4, \
             finished_at = $5, lease_owner = NULL, lease_until = NULL WHERE id = $1",
        )
        .bind(&row.id)
        .bind(row.state)
        .bind(row.next_at)
        .bind(&row.last_error)
        .bind(row.finished_at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn next_delivery(&mut self, targets: &[AlertTarget]) -> Result<Option<i64>, StoreError> {
        let targets = words(targets);
        Ok(sqlx::query_scalar(concat!(
            "SELECT min(next_at) FROM alert_deliveries WHERE state = 'queued' AND target ",
            in_list!("$1")
        ))
        .bind(list(&targets)?)
        .fetch_one(self.flushed().await?)
        .await?)
    }

    async fn sweep_alerts(&mut self, before: i64, limit: i64) -> Result<u64, StoreError> {
        let old: Vec<String> = sqlx::query_scalar(concat!(
            "SELECT id FROM alerts WHERE at < $1 ORDER BY at, id LIMIT $2",
            skip_locked!()
        ))
        .bind(before)
        .bind(limit)
        .fetch_all(self.flushed().await?)
        .await?;
        sqlx::query(concat!("DELETE FROM alert_deliveries WHERE alert_id ", in_list!("$1")))
            .bind(list(&old[..])?)
            .execute(self.flushed().await?)
            .await?;
        let done = sqlx::query(concat!("DELETE FROM alerts WHERE id ", in_list!("$1")))
            .bind(list(&old[..])?)
            .execute(self.flushed().await?)
            .await?;
        Ok(done.rows_affected())
    }
}

fn words(targets: &[AlertTarget]) -> Vec<&'static str> {
    targets.iter().map(|target| target.as_str()).collect()
}
