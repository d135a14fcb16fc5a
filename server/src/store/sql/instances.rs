//! Instances and nonces.

use async_trait::async_trait;
use sqlx::QueryBuilder;

use super::{Db, DbTx, list};
use crate::store::row_cache::Cached;
use crate::store::{Instance, InstanceQuery, InstanceState, Instances, StoreError, Terms};

#[async_trait]
impl Instances for DbTx {
    async fn instance(&mut self, id: &str) -> Result<Option<Instance>, StoreError> {
        if let Some(known) = self.cache.instance(id) {
            return Ok(known);
        }
        Ok(sqlx::query_as(row_lock!(self, "SELECT * FROM instances WHERE id = $1"))
            .bind(id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn instances_with(&mut self, ids: &[&str]) -> Result<Vec<Instance>, StoreError> {
        Ok(sqlx::query_as(concat!("SELECT * FROM instances WHERE id ", in_list!("$1")))
            .bind(list(ids)?)
            .fetch_all(self.flushed().await?)
            .await?)
    }

    async fn is_instance(&mut self, id: &str) -> Result<bool, StoreError> {
        if let Some(known) = self.cache.instance(id) {
            return Ok(known.is_some());
        }
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM instances WHERE id = $1)")
            .bind(id)
            .fetch_one(self.flushed().await?)
            .await?)
    }

    async fn instance_of_order(
        &mut self,
        order_id: &str,
        line_id: &str,
    ) -> Result<Option<Instance>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM instances WHERE order_id = $1 AND line_id = $2")
            .bind(order_id)
            .bind(line_id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn instances_of_order(&mut self, order_id: &str) -> Result<Vec<Instance>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM instances WHERE order_id = $1 ORDER BY created_at, id")
            .bind(order_id)
            .fetch_all(self.flushed().await?)
            .await?)
    }

    async fn instance_of_code(&mut self, code: &str) -> Result<Option<Instance>, StoreError> {
        if let Some(known) = self.cache.instance_of_code(code) {
            return Ok(known);
        }
        Ok(sqlx::query_as(row_lock!(self, "SELECT * FROM instances WHERE activation_code = $1"))
            .bind(code)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn add_instance(&mut self, instance: &Instance) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO instances (id, order_id, line_id, activation_code, state, \
             created_at, changed_at, market_product, sku, product, quantity, period, trial, \
             customer, expires, expires_set, machines_used, judge_due, charging, \
             first_edition) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
             $14, $15, $16, $17, $18, $19, $20) ON CONFLICT DO NOTHING",
        )
        .bind(&instance.id)
        .bind(&instance.order_id)
        .bind(&instance.line_id)
        .bind(&instance.activation_code)
        .bind(instance.state)
        .bind(instance.created_at)
        .bind(instance.changed_at)
        .bind(&instance.market_product)
        .bind(&instance.sku)
        .bind(&instance.product)
        .bind(instance.quantity)
        .bind(instance.period)
        .bind(instance.trial)
        .bind(&instance.customer)
        .bind(instance.expires)
        .bind(instance.expires_set)
        .bind(instance.machines_used)
        .bind(instance.judge_due)
        .bind(&instance.charging)
        .bind(instance.first_edition)
        .execute(self.invalidating(&[Cached::Instances]).await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn put_instance_state(
        &mut self,
        id: &str,
        state: InstanceState,
        at: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE instances SET state = $2, expired = FALSE, changed_at = CASE WHEN state = $2 \
             THEN changed_at ELSE $3 END WHERE id = $1",
        )
        .bind(id)
        .bind(state)
        .bind(at)
        .execute(self.invalidating(&[Cached::Instances]).await?)
        .await?;
        Ok(())
    }

    async fn put_instance_line(&mut self, id: &str, line_id: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE instances SET line_id = $2 WHERE id = $1")
            .bind(id)
            .bind(line_id)
            .execute(self.invalidating(&[Cached::Instances]).await?)
            .await?;
        Ok(())
    }

    async fn put_activation_code(&mut self, id: &str, code: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE instances SET activation_code = $2 WHERE id = $1")
            .bind(id)
            .bind(code)
            .execute(self.invalidating(&[Cached::Instances]).await?)
            .await?;
        Ok(())
    }

    async fn expire_instance(&mut self, id: &str, at: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE instances SET state = 'frozen', expired = TRUE, changed_at = $2 WHERE id = \
             $1 AND state = 'active'",
        )
        .bind(id)
        .bind(at)
        .execute(self.invalidating(&[Cached::Instances]).await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn lift_expiry(&mut self, id: &str, at: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE instances SET state = 'active', expired = FALSE, changed_at = $2 WHERE id = \
             $1 AND state = 'frozen' AND expired = TRUE",
        )
        .bind(id)
        .bind(at)
        .execute(self.invalidating(&[Cached::Instances]).await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn put_instance_expiry(
        &mut self,
        id: &str,
        expires: i64,
        at: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE instances SET expires = $2, expires_set = TRUE, changed_at = $3 WHERE id = $1",
        )
        .bind(id)
        .bind(expires)
        .bind(at)
        .execute(self.invalidating(&[Cached::Instances]).await?)
        .await?;
        Ok(())
    }

    async fn put_instance_terms(
        &mut self,
        id: &str,
        terms: &Terms,
        at: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE instances SET market_product = $2, sku = $3, product = $4, quantity = \
             $5, period = $6, trial = $7, customer = $8, expires = CASE WHEN expires_set \
             THEN expires ELSE $9 END, changed_at = $10, charging = $11 WHERE id = $1",
        )
        .bind(id)
        .bind(&terms.market_product)
        .bind(&terms.sku)
        .bind(&terms.product)
        .bind(terms.quantity)
        .bind(terms.period)
        .bind(terms.trial)
        .bind(&terms.customer)
        .bind(terms.expires)
        .bind(at)
        .bind(&terms.charging)
        .execute(self.invalidating(&[Cached::Instances]).await?)
        .await?;
        Ok(())
    }

    async fn add_machines_used(&mut self, id: &str, by: i64) -> Result<(), StoreError> {
        self.cache.add_places(id, by);
        self.make_room().await
    }

    async fn put_judge_due(&mut self, id: &str, due: bool) -> Result<(), StoreError> {
        sqlx::query("UPDATE instances SET judge_due = $2 WHERE id = $1")
            .bind(id)
            .bind(due)
            .execute(self.invalidating(&[Cached::Instances]).await?)
            .await?;
        Ok(())
    }

    async fn instances_to_judge(&mut self, limit: i64) -> Result<Vec<String>, StoreError> {
        Ok(sqlx::query_scalar(concat!(
            "SELECT id FROM instances WHERE ",
            is_true!("judge_due"),
            " ORDER BY id LIMIT $1"
        ))
        .bind(limit)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn claim_instances(
        &mut self,
        market_product: &str,
        sku: &str,
        product: &str,
    ) -> Result<u64, StoreError> {
        // Goods named with their skuCode belong to whoever names them so, goods without one to the
        // only product that any variant is.
        let done = sqlx::query(
            "UPDATE instances SET product = $3, judge_due = TRUE WHERE market_product = $1 AND \
             (product IS NULL OR product <> $3) AND (CASE WHEN $2 = '' THEN NOT EXISTS \
             (SELECT 1 FROM product_skus AS other WHERE other.market_product = $1 AND \
             other.sku <> '' AND other.sku = instances.sku) ELSE sku = $2 OR (coalesce(sku, \
             '') = '' AND NOT EXISTS (SELECT 1 FROM product_skus AS other WHERE \
             other.market_product = $1 AND other.product <> $3)) END)",
        )
        .bind(market_product)
        .bind(sku)
        .bind(product)
        .execute(self.invalidating(&[Cached::Instances]).await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn judge_product(&mut self, product: &str) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "UPDATE instances SET judge_due = TRUE WHERE product = $1 AND NOT judge_due AND \
             EXISTS (SELECT 1 FROM applications WHERE applications.instance_id = \
             instances.id AND applications.state IN ('waiting', 'held'))",
        )
        .bind(product)
        .execute(self.invalidating(&[Cached::Instances]).await?)
        .await?;
        Ok(done.rows_affected())
    }

    async fn instances(&mut self, query: &InstanceQuery) -> Result<Vec<Instance>, StoreError> {
        // Only what is asked for stands in the statement, so that an index can serve it.
        let mut sql = QueryBuilder::<Db>::new("SELECT * FROM instances WHERE TRUE");
        if let Some(order) = &query.order_id {
            sql.push(" AND order_id = ").push_bind(order);
        }
        if let Some(product) = &query.product {
            sql.push(" AND product = ").push_bind(product);
        }
        if let Some(state) = query.state {
            if state != InstanceState::Active {
                sql.push(" AND state <> 'active'");
            }
            sql.push(" AND state = ").push_bind(state);
        }
        if let Some(after) = &query.after {
            sql.push(" AND id > ").push_bind(after);
        }
        sql.push(" ORDER BY id LIMIT ").push_bind(query.limit);
        Ok(sql.build_query_as().fetch_all(self.flushed().await?).await?)
    }

    async fn is_test_instance(&mut self, id: &str) -> Result<bool, StoreError> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM test_instances WHERE id = $1)")
            .bind(id)
            .fetch_one(self.flushed().await?)
            .await?)
    }

    async fn test_instance_of_order(
        &mut self,
        order_id: &str,
        line_id: &str,
    ) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT id FROM test_instances WHERE order_id = $1 AND line_id = $2")
            .bind(order_id)
            .bind(line_id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn add_test_instance(
        &mut self,
        id: &str,
        order_id: &str,
        line_id: &str,
        at: i64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO test_instances (id, order_id, line_id, created_at) VALUES ($1, $2, \
             $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(order_id)
        .bind(line_id)
        .bind(at)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn add_nonce(&mut self, nonce: &[u8], expires: i64) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO nonces (nonce, expires) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(nonce)
        .bind(expires)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn sweep_nonces(&mut self, now: i64, limit: i64) -> Result<u64, StoreError> {
        let done = sqlx::query(concat!(
            "DELETE FROM nonces WHERE nonce IN (SELECT nonce FROM nonces WHERE expires < $1 \
             ORDER BY expires LIMIT $2",
            skip_locked!(),
            ")"
        ))
        .bind(now)
        .bind(limit)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected())
    }
}
