//! Machines in SQLite.

use async_trait::async_trait;

use super::{SqliteTx, json};
use crate::store::{Machine, Machines, StoreError};

/// Machines are looked at one by one; more than this many alike are clones of one image.
const ALIKE: i64 = 64;

#[async_trait]
impl Machines for SqliteTx {
    async fn machines_like(
        &mut self,
        instance_id: &str,
        digests: &[String],
    ) -> Result<Vec<Machine>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT machines.* FROM (SELECT machine_id, count(*) AS shared FROM machine_digests \
             WHERE instance_id = $1 AND digest IN (SELECT value FROM json_each($2)) \
             GROUP BY machine_id) AS found \
             JOIN machines ON machines.id = found.machine_id WHERE machines.freed_at IS NULL \
             ORDER BY found.shared DESC, machines.id LIMIT $3",
        )
        .bind(instance_id)
        .bind(json(digests)?)
        .bind(ALIKE)
        .fetch_all(self.connection())
        .await?)
    }

    async fn add_machine(
        &mut self,
        machine: &Machine,
        digests: &[String],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO machines (id, instance_id, binding, by_code, enrolled_at, freed_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&machine.id)
        .bind(&machine.instance_id)
        .bind(&machine.binding)
        .bind(machine.by_code)
        .bind(machine.enrolled_at)
        .bind(machine.freed_at)
        .execute(self.connection())
        .await?;
        sqlx::query(
            "INSERT INTO machine_digests (instance_id, digest, machine_id) \
             SELECT DISTINCT $1, value, $2 FROM json_each($3)",
        )
        .bind(&machine.instance_id)
        .bind(&machine.id)
        .bind(json(digests)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn free_machine(&mut self, id: &str, at: i64) -> Result<bool, StoreError> {
        let done =
            sqlx::query("UPDATE machines SET freed_at = $2 WHERE id = $1 AND freed_at IS NULL")
                .bind(id)
                .bind(at)
                .execute(self.connection())
                .await?;
        sqlx::query("DELETE FROM machine_digests WHERE machine_id = $1")
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn machines_by_code_since(
        &mut self,
        instance_id: &str,
        since: i64,
    ) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT count(*) FROM machines \
             WHERE instance_id = $1 AND enrolled_at > $2 AND by_code = 1",
        )
        .bind(instance_id)
        .bind(since)
        .fetch_one(self.connection())
        .await?)
    }
}
