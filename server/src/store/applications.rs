//! What the store keeps of accepted applications for a license.

use async_trait::async_trait;

use super::{StoreError, text_enum::text_enum};

text_enum! {
    /// Where an application stands.
    ApplicationState {
        /// The order or the product is not known yet.
        Waiting = "waiting",
        /// It was kept, and judged to be refused for now.
        Held = "held",
        /// A license was issued for it.
        Served = "served",
        /// The same event came again for another machine before anything was sent.
        Superseded = "superseded",
    }
}

/// One accepted application.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct Application {
    pub(crate) event_id: String,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) instance_id: String,
    pub(crate) state: ApplicationState,
    pub(crate) code: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires: Option<i64>,
    pub(crate) license_id: Option<String>,
    pub(crate) received_at: i64,
}

/// What makes an application the same one, of one that stands: it waits or was served, and its
/// instance has nothing to be judged.
#[derive(Clone, Debug, Eq, Hash, PartialEq, sqlx::FromRow)]
pub(crate) struct Accepted {
    #[sqlx(rename = "event_id")]
    pub(crate) event: String,
    pub(crate) fingerprint: Vec<u8>,
    #[sqlx(rename = "instance_id")]
    pub(crate) instance: String,
}

/// Where a run through the kept applications of an instance stopped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Cursor {
    pub(crate) received_at: i64,
    pub(crate) event_id: String,
}

/// Applications, by event and fingerprint.
#[async_trait]
pub(crate) trait Applications {
    /// Every fingerprint that an event came with.
    async fn applications_of_event(
        &mut self,
        event_id: &str,
    ) -> Result<Vec<Application>, StoreError>;
    /// Those of `events` that stand, of instances that are not released.
    async fn accepted_applications(&mut self, events: &[&str])
    -> Result<Vec<Accepted>, StoreError>;
    /// Adds one, or replaces the one with its key.
    async fn put_application(&mut self, application: &Application) -> Result<(), StoreError>;
    /// Those waiting or held, oldest first.
    async fn kept_applications(
        &mut self,
        instance_id: &str,
        after: Option<&Cursor>,
        limit: i64,
    ) -> Result<Vec<Application>, StoreError>;
    /// How many wait and how many are held, of all instances.
    async fn count_kept(&mut self) -> Result<(i64, i64), StoreError>;
}
