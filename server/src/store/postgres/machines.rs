//! Machines in PostgreSQL.

use async_trait::async_trait;
use sqlx::{Postgres, QueryBuilder};

use super::PgTx;
use crate::store::batch::ALIKE;
use crate::store::{Machine, MachineQuery, Machines, StoreError};

#[async_trait]
impl Machines for PgTx {
    async fn machines_like(
        &mut self,
        instance_id: &str,
        digests: &[String],
    ) -> Result<Vec<Machine>, StoreError> {
        if let Some(known) = self.batch.machines_like(instance_id, digests) {
            return Ok(known);
        }
        Ok(sqlx::query_as(
            "SELECT machines.* FROM (SELECT machine_id, count(*) AS shared FROM machine_digests \
             WHERE instance_id = $1 AND digest = ANY($2) \
             GROUP BY machine_id) AS found \
             JOIN machines ON machines.id = found.machine_id WHERE machines.freed_at IS NULL \
             ORDER BY found.shared DESC, machines.id LIMIT $3",
        )
        .bind(instance_id)
        .bind(digests)
        .bind(i64::try_from(ALIKE).unwrap_or(i64::MAX))
        .fetch_all(self.written().await?)
        .await?)
    }

    async fn machine(&mut self, id: &str) -> Result<Option<Machine>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM machines WHERE id = $1")
            .bind(id)
            .fetch_optional(self.written().await?)
            .await?)
    }

    async fn machines(&mut self, query: &MachineQuery) -> Result<Vec<Machine>, StoreError> {
        let mut sql =
            QueryBuilder::<Postgres>::new("SELECT * FROM machines WHERE freed_at IS NULL");
        if let Some(instance) = &query.instance_id {
            // An instance's machines are found by the index that finds them by their parts.
            sql.push(" AND id IN (SELECT machine_id FROM machine_digests WHERE instance_id = ");
            sql.push_bind(instance).push(")");
        }
        if let Some(after) = &query.after {
            sql.push(" AND id > ").push_bind(after);
        }
        sql.push(" ORDER BY id LIMIT ").push_bind(query.limit);
        Ok(sql.build_query_as().fetch_all(self.written().await?).await?)
    }

    async fn add_machine(
        &mut self,
        machine: &Machine,
        digests: &[String],
    ) -> Result<(), StoreError> {
        self.batch.add_machine(machine, digests);
        self.make_room().await
    }

    async fn free_machine(&mut self, id: &str, at: i64) -> Result<bool, StoreError> {
        let done =
            sqlx::query("UPDATE machines SET freed_at = $2 WHERE id = $1 AND freed_at IS NULL")
                .bind(id)
                .bind(at)
                .execute(self.connection().await?)
                .await?;
        sqlx::query(
            "DELETE FROM machine_digests WHERE machine_id = $1 \
             AND instance_id = (SELECT instance_id FROM machines WHERE id = $1)",
        )
        .bind(id)
        .execute(self.connection().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn newest_by_code(
        &mut self,
        instance_id: &str,
        nth: i64,
    ) -> Result<Option<i64>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT enrolled_at FROM machines WHERE instance_id = $1 AND by_code \
             ORDER BY enrolled_at DESC LIMIT 1 OFFSET $2 - 1",
        )
        .bind(instance_id)
        .bind(nth)
        .fetch_optional(self.written().await?)
        .await?)
    }
}
