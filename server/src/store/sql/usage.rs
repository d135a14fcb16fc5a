//! Usage.

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::{Db, DbTx, list};
use crate::store::{Lease, StoreError, Usage, UsageDelay, UsageQuery, UsageRow};

#[async_trait]
impl Usage for DbTx {
    async fn usage_record(&mut self, id: &str) -> Result<Option<UsageRow>, StoreError> {
        Ok(sqlx::query_as(row_lock!(self, "SELECT * FROM usage_records WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn usage_of_number(&mut self, number: &str) -> Result<Option<UsageRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM usage_records WHERE metering_sn = $1")
            .bind(number)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn add_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO usage_records (id, metering_sn, instance_id, usage_value, \
             begin_time, end_time, record_time, product_id, package, state, attempts, \
             unanswered, old_form, together, next_at, queued_at, license_id, number) VALUES \
             ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
             $18) ON CONFLICT DO NOTHING",
        )
        .bind(&row.id)
        .bind(&row.metering_sn)
        .bind(&row.instance_id)
        .bind(&row.usage_value)
        .bind(row.begin_time)
        .bind(row.end_time)
        .bind(row.record_time)
        .bind(&row.product_id)
        .bind(&row.package)
        .bind(row.state)
        .bind(row.attempts)
        .bind(row.unanswered)
        .bind(row.old_form)
        .bind(row.together)
        .bind(row.next_at)
        .bind(row.queued_at)
        .bind(&row.license_id)
        .bind(&row.number)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn next_usage_call(&mut self, now: i64) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar(concat!(
            "SELECT together FROM usage_records",
            indexed_by!("usage_records_due"),
            " WHERE state = 'queued' AND next_at <= $1 ORDER BY next_at, id LIMIT 1"
        ))
        .bind(now)
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn claim_usage(
        &mut self,
        now: i64,
        together: i64,
        old_form: bool,
        lease: &Lease,
    ) -> Result<Vec<UsageRow>, StoreError> {
        let mut taken: Vec<UsageRow> = sqlx::query_as(claim!(
            "usage_records",
            indexed_by!("usage_records_due"),
            set concat!(
                "state = 'sending', attempts = attempts + 1, old_form = old_form OR $3, \
                 lease_owner = $4, lease_until = ",
                now_secs!(),
                " + $5"
            ),
            due "state = 'queued' AND next_at <= $1 AND together = $2 \
                 ORDER BY next_at, id LIMIT $2",
            returning "*"
        ))
        .bind(now)
        .bind(together)
        .bind(old_form)
        .bind(&lease.owner)
        .bind(lease.seconds)
        .fetch_all(self.flushed().await?)
        .await?;
        taken.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(taken)
    }

    async fn usage_of_call(&mut self, ids: &[String]) -> Result<Vec<UsageRow>, StoreError> {
        Ok(sqlx::query_as(concat!(
            "SELECT * FROM usage_records WHERE state IN ('sending', 'queued') AND id ",
            in_list!("$1"),
            " ORDER BY id",
            for_update!()
        ))
        .bind(list(ids)?)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn deliver_usage(&mut self, ids: &[String], at: i64) -> Result<(), StoreError> {
        sqlx::query(concat!(
            "UPDATE usage_records SET state = CASE WHEN unanswered AND old_form THEN \
             'unclear' ELSE 'delivered' END, finished_at = $2, last_code = NULL, \
             last_message = NULL, lease_owner = NULL, lease_until = NULL WHERE id ",
            in_list!("$1")
        ))
        .bind(list(ids)?)
        .bind(at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn postpone_usage(
        &mut self,
        ids: &[String],
        delay: &UsageDelay<'_>,
    ) -> Result<(), StoreError> {
        sqlx::query(concat!(
            "UPDATE usage_records SET state = 'queued', next_at = $2, last_code = $3, \
             last_message = $4, unanswered = unanswered OR $5, together = coalesce($6, \
             together), lease_owner = NULL, lease_until = NULL WHERE id ",
            in_list!("$1")
        ))
        .bind(list(ids)?)
        .bind(delay.next_at)
        .bind(delay.code)
        .bind(delay.message)
        .bind(delay.unanswered)
        .bind(delay.together)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn put_usage(&mut self, row: &UsageRow) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE usage_records SET state = $2, unanswered = $3, together = $4, next_at = \
             $5, last_code = $6, last_message = $7, finished_at = $8, lease_owner = NULL, \
             lease_until = NULL WHERE id = $1",
        )
        .bind(&row.id)
        .bind(row.state)
        .bind(row.unanswered)
        .bind(row.together)
        .bind(row.next_at)
        .bind(&row.last_code)
        .bind(&row.last_message)
        .bind(row.finished_at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn usage_records(&mut self, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
        // Only what is asked for stands in the statement, so that an index can serve it.
        let mut sql = QueryBuilder::<Db>::new("SELECT * FROM usage_records WHERE TRUE");
        if let Some(state) = query.state {
            sql.push(" AND state = ").push_bind(state);
        }
        if let Some(instance) = &query.instance_id {
            sql.push(" AND instance_id = ").push_bind(instance);
        }
        if let Some(after) = &query.after {
            sql.push(" AND id > ").push_bind(after);
        }
        sql.push(" ORDER BY id LIMIT ").push_bind(query.limit);
        Ok(sql.build_query_as().fetch_all(self.flushed().await?).await?)
    }

    async fn count_usage(&mut self) -> Result<(i64, i64, i64), StoreError> {
        Ok(sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state IN ('queued', 'sending')), count(*) FILTER \
             (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'unclear') FROM \
             usage_records WHERE state IN ('queued', 'sending', 'failed', 'unclear')",
        )
        .fetch_one(self.flushed().await?)
        .await?)
    }
}
