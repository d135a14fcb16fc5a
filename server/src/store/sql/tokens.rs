//! Tokens and facts.

use async_trait::async_trait;

use super::DbTx;
use crate::store::{Admin, StoreError, TokenRow};

#[async_trait]
impl Admin for DbTx {
    async fn meta(&mut self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(name)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn put_meta(&mut self, name: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        if let Some(value) = value {
            sqlx::query(
                "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET \
             value = excluded.value",
            )
            .bind(name)
            .bind(value)
            .execute(self.flushed().await?)
            .await?;
        } else {
            sqlx::query("DELETE FROM meta WHERE name = $1")
                .bind(name)
                .execute(self.flushed().await?)
                .await?;
        }
        Ok(())
    }

    async fn token(&mut self, hash: &[u8]) -> Result<Option<TokenRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM tokens WHERE hash = $1")
            .bind(hash)
            .fetch_optional(self.flushed().await?)
            .await?)
    }

    async fn add_token(&mut self, token: &TokenRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO tokens (id, hash, name, role, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&token.id)
        .bind(&token.hash)
        .bind(&token.name)
        .bind(token.role)
        .bind(token.created_at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn tokens(&mut self) -> Result<Vec<TokenRow>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM tokens ORDER BY created_at, id")
            .fetch_all(self.flushed().await?)
            .await?)
    }
}
