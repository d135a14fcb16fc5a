//! Applications.

use async_trait::async_trait;

use super::{DbTx, list};
use crate::store::{Accepted, Application, Applications, Cursor, StoreError};

#[async_trait]
impl Applications for DbTx {
    async fn applications_of_event(
        &mut self,
        event_id: &str,
    ) -> Result<Vec<Application>, StoreError> {
        if let Some(known) = self.cache.applications_of_event(event_id) {
            return Ok(known);
        }
        Ok(sqlx::query_as("SELECT * FROM applications WHERE event_id = $1")
            .bind(event_id)
            .fetch_all(self.flushed().await?)
            .await?)
    }

    async fn accepted_applications(
        &mut self,
        events: &[&str],
    ) -> Result<Vec<Accepted>, StoreError> {
        Ok(sqlx::query_as(concat!(
            "SELECT event_id, fingerprint, instance_id FROM applications JOIN instances ON \
             instances.id = instance_id WHERE event_id ",
            in_list!("$1"),
            " AND applications.state IN ('waiting', 'served') AND instances.state <> \
             'released' AND NOT judge_due"
        ))
        .bind(list(events)?)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn put_application(&mut self, application: &Application) -> Result<(), StoreError> {
        self.cache.put_application(application);
        self.make_room().await
    }

    async fn kept_applications(
        &mut self,
        instance_id: &str,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Vec<Application>, StoreError> {
        let (received_at, event_id) =
            after.map_or((i64::MIN, ""), |after| (after.received_at, after.event_id.as_str()));
        Ok(sqlx::query_as(
            "SELECT * FROM applications WHERE instance_id = $1 AND state IN ('waiting', \
             'held') AND (received_at, event_id) > ($2, $3) ORDER BY received_at, event_id \
             LIMIT $4",
        )
        .bind(instance_id)
        .bind(received_at)
        .bind(event_id)
        .bind(limit)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn count_kept(&mut self) -> Result<(i64, i64), StoreError> {
        Ok(sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state \
             = 'held') FROM applications WHERE state IN ('waiting', 'held')",
        )
        .fetch_one(self.flushed().await?)
        .await?)
    }
}
