//! One statement for each verb of the queues, with the table as its parameter.

use async_trait::async_trait;

use super::{DbTx, list};
use crate::store::row_cache::Cached;
use crate::store::{Lease, Queue, Queues, StoreError};

macro_rules! renew {
    ($table:literal, $working:literal, $held:expr) => {
        concat!(
            "UPDATE ",
            $table,
            " SET lease_until = ",
            now_secs!(),
            " + $3 WHERE ",
            $working,
            " AND lease_owner = $2 AND id ",
            $held
        )
    };
}

macro_rules! in_flight {
    ($table:literal, $working:literal) => {
        concat!("SELECT count(*) FROM ", $table, " WHERE ", $working)
    };
}

macro_rules! next_due {
    ($table:literal, $index:expr) => {
        concat!("SELECT min(next_at) FROM ", $table, $index, " WHERE state = 'queued'")
    };
}

macro_rules! clamp_due {
    ($table:literal) => {
        concat!("UPDATE ", $table, " SET next_at = $1 WHERE state = 'queued' AND next_at > $2")
    };
}

/// Uploads are sought by what is not delivered: an index that holds the few, not the millions.
pub(in crate::store) const UPLOADS_IN_FLIGHT: &str =
    in_flight!("uploads", "state <> 'delivered' AND state = 'sending'");
pub(in crate::store) const NEXT_UPLOAD: &str = next_due!("uploads", indexed_by!("uploads_due"));

#[async_trait]
impl Queues for DbTx {
    async fn renew(
        &mut self,
        queue: Queue,
        held: &[String],
        lease: &Lease,
    ) -> Result<(), StoreError> {
        let sql = match queue {
            // An attempt at a notification is short: it has a due time instead of a lease.
            Queue::Notices => return Ok(()),
            Queue::AlertDeliveries => {
                renew!("alert_deliveries", "state = 'sending'", in_list!("$1"))
            }
            Queue::Orders => renew!("orders", "state = 'reading'", in_numbers!("$1")),
            Queue::Uploads => renew!("uploads", "state = 'sending'", in_list!("$1")),
            Queue::Usage => renew!("usage_records", "state = 'sending'", in_list!("$1")),
        };
        let renewed = sqlx::query(sql).bind(list(held)?).bind(&lease.owner).bind(lease.seconds);
        renewed.execute(self.flushed().await?).await?;
        Ok(())
    }

    async fn requeue(&mut self, queue: Queue, held: &[String]) -> Result<u64, StoreError> {
        // What was being sent may have arrived: the server that died never heard the answer.
        let sql = match queue {
            Queue::Notices => return Ok(0),
            Queue::AlertDeliveries => requeue!(
                "alert_deliveries",
                "state = 'sending'",
                "state = 'queued'",
                in_list!("$1")
            ),
            Queue::Orders => {
                requeue!("orders", "state = 'reading'", "state = 'queued'", in_numbers!("$1"))
            }
            Queue::Uploads => requeue!(
                "uploads",
                "state <> 'delivered' AND state = 'sending'",
                "state = 'queued', unanswered = TRUE",
                in_list!("$1")
            ),
            Queue::Usage => requeue!(
                "usage_records",
                "state = 'sending'",
                "state = 'queued', unanswered = TRUE",
                in_list!("$1")
            ),
        };
        let done = sqlx::query(sql).bind(list(held)?);
        Ok(done.execute(self.invalidating(&[Cached::Uploads]).await?).await?.rows_affected())
    }

    async fn in_flight(&mut self, queue: Queue) -> Result<i64, StoreError> {
        let sql = match queue {
            Queue::Notices => return Ok(0),
            Queue::AlertDeliveries => in_flight!("alert_deliveries", "state = 'sending'"),
            Queue::Orders => in_flight!("orders", "state = 'reading'"),
            Queue::Uploads => UPLOADS_IN_FLIGHT,
            Queue::Usage => in_flight!("usage_records", "state = 'sending'"),
        };
        Ok(sqlx::query_scalar(sql).fetch_one(self.flushed().await?).await?)
    }

    async fn next_due(&mut self, queue: Queue) -> Result<Option<i64>, StoreError> {
        let sql = match queue {
            Queue::AlertDeliveries => next_due!("alert_deliveries", ""),
            Queue::Notices => next_due!("notices", ""),
            Queue::Orders => next_due!("orders", ""),
            Queue::Uploads => NEXT_UPLOAD,
            Queue::Usage => next_due!("usage_records", indexed_by!("usage_records_due")),
        };
        Ok(sqlx::query_scalar(sql).fetch_one(self.flushed().await?).await?)
    }

    async fn clamp_due(&mut self, queue: Queue, now: i64, latest: i64) -> Result<u64, StoreError> {
        let sql = match queue {
            Queue::AlertDeliveries => clamp_due!("alert_deliveries"),
            Queue::Notices => clamp_due!("notices"),
            Queue::Orders => clamp_due!("orders"),
            Queue::Uploads => clamp_due!("uploads"),
            Queue::Usage => clamp_due!("usage_records"),
        };
        let done = sqlx::query(sql).bind(now).bind(latest);
        Ok(done.execute(self.invalidating(&[Cached::Uploads]).await?).await?.rows_affected())
    }
}
