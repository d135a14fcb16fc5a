//! Machines.

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::{Db, DbTx, list};
use crate::store::row_cache::ALIKE;
use crate::store::row_cache::Cached;
use crate::store::{Machine, MachineQuery, Machines, StoreError};

#[async_trait]
impl Machines for DbTx {
    async fn machines_like(
        &mut self,
        instance_id: &str,
        digests: &[String],
    ) -> Result<Vec<Machine>, StoreError> {
        if let Some(known) = self.cache.machines_like(instance_id, digests) {
            return Ok(known);
        }
        Ok(sqlx::query_as(concat!(
            "SELECT machines.* FROM (SELECT machine_id, count(*) AS shared FROM \
             machine_digests WHERE instance_id = $1 AND digest ",
            in_list!("$2"),
            " GROUP BY machine_id) AS found JOIN machines ON machines.id = found.machine_id \
             WHERE machines.freed_at IS NULL ORDER BY found.shared DESC, machines.id LIMIT $3"
        ))
        .bind(instance_id)
        .bind(list(digests)?)
        .bind(i64::try_from(ALIKE).unwrap_or(i64::MAX))
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn machine(&mut self, id: &str) -> Result<Option<Machine>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM machines WHERE id = $1")
            .bind(id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn machines(&mut self, query: &MachineQuery) -> Result<Vec<Machine>, StoreError> {
        let mut sql = QueryBuilder::<Db>::new("SELECT * FROM machines WHERE freed_at IS NULL");
        if let Some(instance) = &query.instance_id {
            // An instance's machines are found by the index that finds them by their parts.
            sql.push(" AND id IN (SELECT machine_id FROM machine_digests WHERE instance_id = ");
            sql.push_bind(instance).push(")");
        }
        if let Some(after) = &query.after {
            sql.push(" AND id > ").push_bind(after);
        }
        sql.push(" ORDER BY id LIMIT ").push_bind(query.limit);
        Ok(sql.build_query_as().fetch_all(self.flushed().await?).await?)
    }

    async fn add_machine(
        &mut self,
        machine: &Machine,
        digests: &[String],
    ) -> Result<(), StoreError> {
        self.cache.add_machine(machine, digests);
        self.make_room().await
    }

    async fn free_machine(&mut self, id: &str, at: i64) -> Result<bool, StoreError> {
        let done =
            sqlx::query("UPDATE machines SET freed_at = $2 WHERE id = $1 AND freed_at IS NULL")
                .bind(id)
                .bind(at)
                .execute(self.invalidating(&[Cached::Machines]).await?)
                .await?;
        sqlx::query(
            "DELETE FROM machine_digests WHERE machine_id = $1 AND instance_id = (SELECT \
             instance_id FROM machines WHERE id = $1)",
        )
        .bind(id)
        .execute(self.invalidating(&[Cached::Machines]).await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn newest_by_code(
        &mut self,
        instance_id: &str,
        nth: i64,
    ) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar(concat!(
            "SELECT enrolled_at FROM machines WHERE instance_id = $1 AND ",
            is_true!("by_code"),
            " ORDER BY enrolled_at DESC LIMIT 1 OFFSET $2 - 1"
        ))
        .bind(instance_id)
        .bind(nth)
        .fetch_optional(self.flushed().await?)
        .await?)
    }
}
