//! Products.

use async_trait::async_trait;

use super::DbTx;
use crate::store::row_cache::Cached;
use crate::store::{ProductRow, Products, StoreError};

#[async_trait]
impl Products for DbTx {
    async fn product(&mut self, id: &str) -> Result<Option<ProductRow>, StoreError> {
        if let Some(known) = self.cache.product(id) {
            return Ok(Some(known));
        }
        Ok(sqlx::query_as("SELECT * FROM products WHERE id = $1")
            .bind(id)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn products(
        &mut self,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<ProductRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT * FROM products WHERE (CAST($1 AS TEXT) IS NULL OR id > $1) ORDER BY id \
             LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn put_product(
        &mut self,
        product: &ProductRow,
        goods: &[(String, String)],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO products (id, name, terms, applied_at) VALUES ($1, $2, $3, $4) ON \
             CONFLICT (id) DO UPDATE SET name = excluded.name, terms = excluded.terms, \
             applied_at = excluded.applied_at",
        )
        .bind(&product.id)
        .bind(&product.name)
        .bind(&product.terms)
        .bind(product.applied_at)
        .execute(self.invalidating(&[Cached::Products]).await?)
        .await?;
        sqlx::query("DELETE FROM product_skus WHERE product = $1")
            .bind(&product.id)
            .execute(self.flushed().await?)
            .await?;
        for (market_product, sku) in goods {
            sqlx::query(
                "INSERT INTO product_skus (market_product, sku, product) VALUES ($1, $2, $3)",
            )
            .bind(market_product)
            .bind(sku)
            .bind(&product.id)
            .execute(self.flushed().await?)
            .await?;
        }
        Ok(())
    }

    async fn product_of_goods(
        &mut self,
        market_product: &str,
        sku: &str,
    ) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT product FROM product_skus WHERE market_product = $1 AND sku = $2",
        )
        .bind(market_product)
        .bind(sku)
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn product_of_any_sku(
        &mut self,
        market_product: &str,
    ) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar(
            "SELECT min(product) FROM product_skus WHERE market_product = $1 HAVING \
             count(DISTINCT product) = 1",
        )
        .bind(market_product)
        .fetch_optional(self.flushed().await?)
        .await?)
    }
}
