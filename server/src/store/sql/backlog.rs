//! The backlog: what buyers wait for.

use async_trait::async_trait;

use super::{DbTx, list};
use crate::store::StoreError;
use crate::store::backlog::{OLDEST, Unread, Wait, Waits};

#[async_trait]
impl Waits for DbTx {
    async fn waits_of(&mut self, instances: &[&str]) -> Result<Vec<Wait>, StoreError> {
        let asked: Vec<(String, i64, Option<i64>)> = sqlx::query_as(concat!(
            "SELECT asked.value AS instance_id, (SELECT count(*) FROM applications WHERE \
             instance_id = asked.value AND state IN ('waiting', 'held')) AS kept, (SELECT \
             min(at) FROM (SELECT min(received_at) AS at FROM applications WHERE instance_id \
             = asked.value AND state IN ('waiting', 'held') UNION ALL SELECT \
             min(applications.received_at) FROM (SELECT uploads.event_id, license_id FROM \
             uploads JOIN licenses ON licenses.id = license_id AND licenses.state = 'active' \
             WHERE uploads.instance_id = asked.value AND uploads.state IN ('queued', \
             'sending', 'failed', 'unclear') ORDER BY uploads.id LIMIT $2) AS oldest JOIN \
             applications ON applications.event_id = oldest.event_id AND \
             applications.license_id = oldest.license_id) AS its) AS since FROM ",
            each!("$1", "asked")
        ))
        .bind(list(instances)?)
        .bind(OLDEST)
        .fetch_all(self.flushed().await?)
        .await?;
        Ok(asked.into_iter().filter_map(Wait::of).collect())
    }

    async fn longest_wait(&mut self) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar(
            "WITH oldest AS (SELECT * FROM (SELECT event_id, license_id FROM uploads WHERE \
             state <> 'delivered' AND state = 'queued' ORDER BY id LIMIT $1) AS queued UNION ALL \
             SELECT * FROM (SELECT event_id, license_id FROM uploads WHERE state <> \
             'delivered' AND state = 'sending' ORDER BY id LIMIT $1) AS sending UNION ALL SELECT * FROM \
             (SELECT event_id, license_id FROM uploads WHERE state <> 'delivered' AND state \
             = 'failed' ORDER BY id LIMIT $1) AS failed UNION ALL SELECT * FROM (SELECT event_id, \
             license_id FROM uploads WHERE state <> 'delivered' AND state = 'unclear' ORDER \
             BY id LIMIT $1) AS unclear) SELECT min(at) FROM (SELECT min(received_at) AS at FROM \
             applications JOIN instances ON instances.id = applications.instance_id WHERE \
             applications.state IN ('waiting', 'held') AND instances.state <> 'released' \
             UNION ALL SELECT min(applications.received_at) FROM oldest JOIN licenses ON \
             licenses.id = oldest.license_id AND licenses.state = 'active' JOIN applications \
             ON applications.event_id = oldest.event_id AND applications.license_id = \
             oldest.license_id) AS waits",
        )
        .bind(OLDEST)
        .fetch_one(self.flushed().await?)
        .await?)
    }

    async fn unread_orders(&mut self, longer: i64) -> Result<(i64, Option<i64>), StoreError> {
        Ok(sqlx::query_as(
            "SELECT count(*), min(instances.created_at + CASE WHEN instances.first_edition \
             THEN $1 ELSE 0 END) FROM orders JOIN instances ON instances.id = \
             orders.instance_id WHERE orders.scene = 'NEW' AND orders.state IN ('queued', \
             'reading') AND instances.quantity IS NULL AND instances.state <> 'released'",
        )
        .bind(longer)
        .fetch_one(self.flushed().await?)
        .await?)
    }

    async fn refunds_nearing(
        &mut self,
        until: i64,
        longer: i64,
        minutes: i64,
        limit: i64,
    ) -> Result<Vec<Unread>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT instances.id, instances.created_at, instances.first_edition FROM orders \
             JOIN instances ON instances.id = orders.instance_id WHERE orders.scene = 'NEW' \
             AND orders.state IN ('queued', 'reading') AND instances.quantity IS NULL AND \
             instances.state <> 'released' AND instances.created_at + CASE WHEN \
             instances.first_edition THEN $4 ELSE 0 END <= $1 AND NOT EXISTS (SELECT 1 \
             FROM refund_warnings WHERE refund_warnings.instance_id = instances.id AND \
             minutes = $2) ORDER BY instances.created_at, instances.id LIMIT $3",
        )
        .bind(until)
        .bind(minutes)
        .bind(limit)
        .bind(longer)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn add_refund_warning(
        &mut self,
        instance_id: &str,
        minutes: i64,
        at: i64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO refund_warnings (instance_id, minutes, at) VALUES ($1, $2, $3) ON \
             CONFLICT DO NOTHING",
        )
        .bind(instance_id)
        .bind(minutes)
        .bind(at)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
