//! Alerts in SQLite.

use async_trait::async_trait;

use super::{SqliteTx, json};
use crate::store::alerts::ALERT_CLOCKS;
use crate::store::{
    AlertQuery, AlertRow, AlertTarget, Alerts, DeliveryRow, DeliveryState, Lease, StoreError,
};

#[async_trait]
impl Alerts for SqliteTx {
    async fn add_alert(&mut self, alert: &AlertRow, since: i64) -> Result<bool, StoreError> {
        let again = sqlx::query(
            "UPDATE alerts SET again = again + 1 WHERE id = (SELECT id FROM alerts \
             WHERE alert = $1 AND subject = $2 AND at > $3 AND at <= $4 ORDER BY at DESC LIMIT 1)",
        )
        .bind(&alert.alert)
        .bind(&alert.subject)
        .bind(since)
        .bind(alert.at + ALERT_CLOCKS)
        .execute(self.connection().await?)
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
        .execute(self.connection().await?)
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
        .execute(self.connection().await?)
        .await?;
        Ok(())
    }

    async fn alert(&mut self, id: &str) -> Result<Option<AlertRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM alerts WHERE id = $1")
            .bind(id)
            .fetch_optional(self.connection().await?)
            .await?)
    }

    async fn alerts(&mut self, query: &AlertQuery) -> Result<Vec<AlertRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM alerts WHERE ($1 IS NULL OR alert = $1) \
             AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3",
        )
        .bind(&query.alert)
        .bind(&query.after)
        .bind(query.limit)
        .fetch_all(self.connection().await?)
        .await?)
    }

    async fn deliveries_of(&mut self, alerts: &[&str]) -> Result<Vec<DeliveryRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM alert_deliveries WHERE alert_id IN (SELECT value FROM json_each($1)) \
             ORDER BY id",
        )
        .bind(json(alerts)?)
        .fetch_all(self.connection().await?)
        .await?)
    }

    async fn take_deliveries(
        &mut self,
        now: i64,
        limit: i64,
        targets: &[AlertTarget],
        lease: &Lease,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        Ok(sqlx::query_as(
            "UPDATE alert_deliveries SET state = 'sending', attempts = attempts + 1, \
             lease_owner = $4, lease_until = unixepoch() + $5 WHERE id IN \
             (SELECT id FROM alert_deliveries WHERE state = 'queued' AND next_at <= $1 \
             AND target IN (SELECT value FROM json_each($3)) ORDER BY next_at LIMIT $2) \
             RETURNING *",
        )
        .bind(now)
        .bind(limit)
        .bind(json(&words(targets))?)
        .bind(&lease.owner)
        .bind(lease.seconds)
        .fetch_all(self.connection().await?)
        .await?)
    }

    async fn renew_deliveries(&mut self, held: &[String], lease: &Lease) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE alert_deliveries SET lease_until = unixepoch() + $3 WHERE state = 'sending' \
             AND lease_owner = $2 AND id IN (SELECT value FROM json_each($1))",
        )
        .bind(json(held)?)
        .bind(&lease.owner)
        .bind(lease.seconds)
        .execute(self.connection().await?)
        .await?;
        Ok(())
    }

    async fn requeue_deliveries(&mut self, held: &[String]) -> Result<u64, StoreError> {
        // No other server has this file, so what is not held here has died, whatever its lease.
        let done = sqlx::query(
            "UPDATE alert_deliveries SET state = 'queued' WHERE state = 'sending' \
             AND id NOT IN (SELECT value FROM json_each($1))",
        )
        .bind(json(held)?)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn deliveries_in_flight(&mut self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM alert_deliveries WHERE state = 'sending'")
            .fetch_one(self.connection().await?)
            .await?)
    }

    async fn delivery(&mut self, id: &str) -> Result<Option<DeliveryRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM alert_deliveries WHERE id = $1")
            .bind(id)
            .fetch_optional(self.connection().await?)
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
        .execute(self.connection().await?)
        .await?;
        Ok(())
    }

    async fn next_delivery(&mut self, targets: &[AlertTarget]) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT min(next_at) FROM alert_deliveries WHERE state = 'queued' \
             AND target IN (SELECT value FROM json_each($1))",
        )
        .bind(json(&words(targets))?)
        .fetch_one(self.connection().await?)
        .await?)
    }

    async fn sweep_alerts(&mut self, before: i64, limit: i64) -> Result<u64, StoreError> {
        sqlx::query(
            "DELETE FROM alert_deliveries WHERE alert_id IN \
             (SELECT id FROM alerts WHERE at < $1 ORDER BY at, id LIMIT $2)",
        )
        .bind(before)
        .bind(limit)
        .execute(self.connection().await?)
        .await?;
        let done = sqlx::query(
            "DELETE FROM alerts WHERE id IN \
             (SELECT id FROM alerts WHERE at < $1 ORDER BY at, id LIMIT $2)",
        )
        .bind(before)
        .bind(limit)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected())
    }
}

fn words(targets: &[AlertTarget]) -> Vec<&'static str> {
    targets.iter().map(|target| target.as_str()).collect()
}
