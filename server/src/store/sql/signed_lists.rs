//! Signed lists, releases and public keys.

use async_trait::async_trait;

use super::{DbTx, SHARED};
use crate::store::{ListKey, ListRow, Lists, ReleaseRow, StoreError};

#[async_trait]
impl Lists for DbTx {
    async fn list(&mut self, key: &ListKey) -> Result<Option<ListRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT seq, document, issued_at, stale, elsewhere FROM lists WHERE kind = $1 \
             AND product = $2 AND platform = $3 AND channel = $4",
        )
        .bind(key.kind)
        .bind(&key.product)
        .bind(&key.platform)
        .bind(&key.channel)
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn list_to_sign(&mut self, key: &ListKey) -> Result<Option<ListRow>, StoreError> {
        if SHARED {
            // A row that is not there cannot be locked, so there is an empty one before the first.
            sqlx::query(
                "INSERT INTO lists (kind, product, platform, channel, seq, document, issued_at, \
                 stale, elsewhere) VALUES ($1, $2, $3, $4, 0, '', 0, TRUE, FALSE) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(key.kind)
            .bind(&key.product)
            .bind(&key.platform)
            .bind(&key.channel)
            .execute(self.flushed().await?)
            .await?;
        }
        Ok(sqlx::query_as(concat!(
            "SELECT seq, document, issued_at, stale, elsewhere FROM lists WHERE kind = $1 \
             AND product = $2 AND platform = $3 AND channel = $4",
            for_update!()
        ))
        .bind(key.kind)
        .bind(&key.product)
        .bind(&key.platform)
        .bind(&key.channel)
        .fetch_optional(self.flushed().await?)
        .await?)
    }

    async fn put_list(&mut self, key: &ListKey, row: &ListRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO lists (kind, product, platform, channel, seq, document, issued_at, \
             stale, elsewhere) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT \
             (kind, product, platform, channel) DO UPDATE SET seq = excluded.seq, document = \
             excluded.document, issued_at = excluded.issued_at, stale = excluded.stale, \
             elsewhere = excluded.elsewhere",
        )
        .bind(key.kind)
        .bind(&key.product)
        .bind(&key.platform)
        .bind(&key.channel)
        .bind(row.seq)
        .bind(&row.document)
        .bind(row.issued_at)
        .bind(row.stale)
        .bind(row.elsewhere)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn mark_list(&mut self, key: &ListKey) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO lists (kind, product, platform, channel, seq, document, issued_at, \
             stale, elsewhere) VALUES ($1, $2, $3, $4, 0, '', 0, TRUE, FALSE) ON CONFLICT (kind, \
             product, platform, channel) DO UPDATE SET stale = TRUE",
        )
        .bind(key.kind)
        .bind(&key.product)
        .bind(&key.platform)
        .bind(&key.channel)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn mark_releases(&mut self, product: &str, channel: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE lists SET stale = TRUE WHERE kind = 'release' AND product = $1 AND channel = $2",
        )
        .bind(product)
        .bind(channel)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn put_release(&mut self, release: &ReleaseRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO releases (product, platform, channel, version, entry, published_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (product, platform, channel, \
             version) DO UPDATE SET entry = excluded.entry, published_at = \
             excluded.published_at",
        )
        .bind(&release.product)
        .bind(&release.platform)
        .bind(&release.channel)
        .bind(&release.version)
        .bind(&release.entry)
        .bind(release.published_at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }

    async fn remove_release(
        &mut self,
        product: &str,
        platform: &str,
        channel: &str,
        version: &str,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "DELETE FROM releases WHERE product = $1 AND platform = $2 AND channel = $3 AND \
             version = $4",
        )
        .bind(product)
        .bind(platform)
        .bind(channel)
        .bind(version)
        .execute(self.flushed().await?)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn clear_releases(
        &mut self,
        product: &str,
        platform: &str,
        channel: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM releases WHERE product = $1 AND platform = $2 AND channel = $3")
            .bind(product)
            .bind(platform)
            .bind(channel)
            .execute(self.flushed().await?)
            .await?;
        Ok(())
    }

    async fn releases(
        &mut self,
        product: Option<&str>,
        platform: Option<&str>,
        channel: Option<&str>,
    ) -> Result<Vec<ReleaseRow>, StoreError> {
        Ok(sqlx::query_as(
            "SELECT product, platform, channel, version, entry, published_at FROM releases \
             WHERE (CAST($1 AS TEXT) IS NULL OR product = $1) AND (CAST($2 AS TEXT) IS NULL \
             OR platform = $2) AND (CAST($3 AS TEXT) IS NULL OR channel = $3) ORDER BY \
             product, platform, channel, id LIMIT 1000",
        )
        .bind(product)
        .bind(platform)
        .bind(channel)
        .fetch_all(self.flushed().await?)
        .await?)
    }

    async fn public_keys(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(sqlx::query_as("SELECT kid, jwk FROM public_keys ORDER BY added_at, kid")
            .fetch_all(self.flushed().await?)
            .await?)
    }

    async fn put_public_key(&mut self, kid: &str, jwk: &str, at: i64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO public_keys (kid, jwk, added_at) VALUES ($1, $2, $3) ON CONFLICT \
             (kid) DO UPDATE SET jwk = excluded.jwk",
        )
        .bind(kid)
        .bind(jwk)
        .bind(at)
        .execute(self.flushed().await?)
        .await?;
        Ok(())
    }
}
