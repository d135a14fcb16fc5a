//! What the store keeps of products.

use async_trait::async_trait;

use super::StoreError;

/// One product as it was applied.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct ProductRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) terms: String,
    pub(crate) applied_at: i64,
}

/// Products and the marketplace's goods they stand for.
#[async_trait]
pub(crate) trait Products {
    async fn product(&mut self, id: &str) -> Result<Option<ProductRow>, StoreError>;
    async fn products(
        &mut self,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<ProductRow>, StoreError>;
    /// Adds or replaces one together with its goods (`productId`, `skuCode` or empty).
    async fn put_product(
        &mut self,
        product: &ProductRow,
        goods: &[(String, String)],
    ) -> Result<(), StoreError>;
    /// Whose goods these are, by exactly this `skuCode`.
    async fn product_of_goods(
        &mut self,
        market_product: &str,
        sku: &str,
    ) -> Result<Option<String>, StoreError>;
    /// The only product that any variant of the goods is.
    async fn product_of_any_sku(
        &mut self,
        market_product: &str,
    ) -> Result<Option<String>, StoreError>;
}
