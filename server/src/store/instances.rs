//! What the store keeps of instances.

use async_trait::async_trait;

use super::{StoreError, text_enum::text_enum};

text_enum! {
    /// What the marketplace last said about an instance.
    InstanceState {
        /// In use.
        Active = "active",
        /// Stopped until it is unfrozen.
        Frozen = "frozen",
        /// Given back for good.
        Released = "released",
    }
}

/// One order line's resource.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) order_id: String,
    pub(crate) line_id: String,
    pub(crate) activation_code: String,
    pub(crate) state: InstanceState,
    pub(crate) created_at: i64,
    pub(crate) changed_at: i64,
    pub(crate) market_product: Option<String>,
    pub(crate) sku: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) quantity: Option<i64>,
    pub(crate) period: Option<bool>,
    /// The marketplace's word for how it is paid.
    pub(crate) charging: Option<String>,
    pub(crate) trial: Option<bool>,
    pub(crate) customer: Option<String>,
    pub(crate) expires: Option<i64>,
    pub(crate) expires_set: bool,
    pub(crate) machines_used: i64,
    pub(crate) judge_due: bool,
    /// Created by a V1 call.
    pub(crate) first_edition: bool,
}

/// What the order in force grants; changes an instance as a whole.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Terms {
    pub(crate) market_product: Option<String>,
    pub(crate) sku: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) quantity: i64,
    pub(crate) period: bool,
    pub(crate) charging: Option<String>,
    pub(crate) trial: bool,
    pub(crate) customer: Option<String>,
    pub(crate) expires: Option<i64>,
}

/// Which instances to list, in the order of their ids.
#[derive(Clone, Debug)]
pub(crate) struct InstanceQuery {
    pub(crate) order_id: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) state: Option<InstanceState>,
    pub(crate) after: Option<String>,
    pub(crate) limit: i64,
}

/// Instances, real and for debugging.
#[async_trait]
pub(crate) trait Instances {
    /// Reads one and, when writing, keeps other writers out of it until this transaction ends.
    async fn instance(&mut self, id: &str) -> Result<Option<Instance>, StoreError>;
    /// Reads those that there are, without keeping anybody from them.
    async fn instances_with(&mut self, ids: &[&str]) -> Result<Vec<Instance>, StoreError>;
    /// Whether there is one, without keeping anybody from it.
    async fn is_instance(&mut self, id: &str) -> Result<bool, StoreError>;
    async fn instance_of_order(
        &mut self,
        order_id: &str,
        line_id: &str,
    ) -> Result<Option<Instance>, StoreError>;
    /// Every instance of an order, oldest first, without keeping anybody from them.
    async fn instances_of_order(&mut self, order_id: &str) -> Result<Vec<Instance>, StoreError>;
    /// Keeps other writers out of it like [`Instances::instance`].
    async fn instance_of_code(&mut self, code: &str) -> Result<Option<Instance>, StoreError>;
    /// Adds one, unless its id, its order line or its code is taken: then false.
    async fn add_instance(&mut self, instance: &Instance) -> Result<bool, StoreError>;
    /// Whatever the reason was before, it is the marketplace's word now.
    async fn put_instance_state(
        &mut self,
        id: &str,
        state: InstanceState,
        at: i64,
    ) -> Result<(), StoreError>;
    /// Names the order line of an instance that was made without one.
    async fn put_instance_line(&mut self, id: &str, line_id: &str) -> Result<(), StoreError>;
    /// Gives it another activation code; the earlier one is nobody's.
    async fn put_activation_code(&mut self, id: &str, code: &str) -> Result<(), StoreError>;
    /// Freezes an active instance because its end has come; false if it was not active.
    async fn expire_instance(&mut self, id: &str, at: i64) -> Result<bool, StoreError>;
    /// Lets an instance go that only its end had frozen; false if it was not.
    async fn lift_expiry(&mut self, id: &str, at: i64) -> Result<bool, StoreError>;
    /// Sets the end by a refresh; orders no longer change it.
    async fn put_instance_expiry(
        &mut self,
        id: &str,
        expires: i64,
        at: i64,
    ) -> Result<(), StoreError>;
    async fn put_instance_terms(
        &mut self,
        id: &str,
        terms: &Terms,
        at: i64,
    ) -> Result<(), StoreError>;
    /// Changes the number of places taken.
    async fn add_machines_used(&mut self, id: &str, by: i64) -> Result<(), StoreError>;
    /// Says whether kept applications are to be judged again.
    async fn put_judge_due(&mut self, id: &str, due: bool) -> Result<(), StoreError>;
    async fn instances_to_judge(&mut self, limit: i64) -> Result<Vec<String>, StoreError>;
    /// Gives the instances of a marketplace product to ours, and has them judged again. An empty
    /// `sku` means every one that no product has by its own name; a named one those without a
    /// `skuCode`, too, while no other product has that marketplace product.
    async fn claim_instances(
        &mut self,
        market_product: &str,
        sku: &str,
        product: &str,
    ) -> Result<u64, StoreError>;
    /// Has every instance of a product judged again.
    async fn judge_product(&mut self, product: &str) -> Result<u64, StoreError>;
    async fn instances(&mut self, query: &InstanceQuery) -> Result<Vec<Instance>, StoreError>;

    /// Whether a debugging call made it.
    async fn is_test_instance(&mut self, id: &str) -> Result<bool, StoreError>;
    async fn test_instance_of_order(
        &mut self,
        order_id: &str,
        line_id: &str,
    ) -> Result<Option<String>, StoreError>;
    /// Adds one, unless its id or its order line is taken: then false.
    async fn add_test_instance(
        &mut self,
        id: &str,
        order_id: &str,
        line_id: &str,
        at: i64,
    ) -> Result<bool, StoreError>;

    /// Remembers a nonce until `expires`; false if it is remembered already.
    async fn add_nonce(&mut self, nonce: &[u8], expires: i64) -> Result<bool, StoreError>;
    /// Forgets up to `limit` nonces that ended before `now` and that nobody else is forgetting.
    async fn sweep_nonces(&mut self, now: i64, limit: i64) -> Result<u64, StoreError>;
}
