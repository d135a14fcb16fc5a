//! One transaction: everything that can be read and written in it, on either database.

use async_trait::async_trait;

use super::tokens::Admin;
use super::{
    Alerts, Applications, Audit, Codes, Footprint, Instances, Kit, Licenses, Lists, Machines,
    Notices, Orders, Products, Queues, StoreError, Sweeps, Uploads, Usage, Waits,
};

/// One transaction. Dropping it without [`Tx::commit`] rolls it back.
#[async_trait]
pub(crate) trait Tx:
    Admin
    + Alerts
    + Applications
    + Audit
    + Codes
    + Instances
    + Kit
    + Licenses
    + Lists
    + Machines
    + Notices
    + Orders
    + Products
    + Queues
    + Sweeps
    + Uploads
    + Usage
    + Waits
    + Send
{
    /// Locks what several servers must not change at once, and reads ahead what the footprint names.
    /// Comes first, and once.
    async fn prepare(&mut self, footprint: &Footprint) -> Result<(), StoreError>;
    /// Makes everything durable, or nothing.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    /// Gives everything up, and the connection back.
    async fn rollback(self: Box<Self>);
}
