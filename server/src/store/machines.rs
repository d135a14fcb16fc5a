//! What the store keeps of machines: digests only.

use async_trait::async_trait;

use super::StoreError;

/// A computer that holds, or held, a place.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) instance_id: String,
    pub(crate) binding: String,
    pub(crate) by_code: bool,
    pub(crate) enrolled_at: i64,
    pub(crate) freed_at: Option<i64>,
}

/// Which machines to list, in the order of their ids.
#[derive(Clone, Debug)]
pub(crate) struct MachineQuery {
    pub(crate) instance_id: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: i64,
}

/// Machines and the index that finds them.
#[async_trait]
pub(crate) trait Machines {
    /// Machines of the instance that share any of `digests`, those with most of them first.
    async fn machines_like(
        &mut self,
        instance_id: &str,
        digests: &[String],
    ) -> Result<Vec<Machine>, StoreError>;
    async fn machine(&mut self, id: &str) -> Result<Option<Machine>, StoreError>;
    /// Machines that hold a place.
    async fn machines(&mut self, query: &MachineQuery) -> Result<Vec<Machine>, StoreError>;
    async fn add_machine(
        &mut self,
        machine: &Machine,
        digests: &[String],
    ) -> Result<(), StoreError>;
    /// Frees its place and forgets its digests; false if it is free already.
    async fn free_machine(&mut self, id: &str, at: i64) -> Result<bool, StoreError>;
    /// When the `nth` newest of those that were enrolled by activation code was, if there are as
    /// many.
    async fn newest_by_code(
        &mut self,
        instance_id: &str,
        nth: i64,
    ) -> Result<Option<i64>, StoreError>;
}
