//! What the store keeps of the marketplace's authorization codes.

use async_trait::async_trait;

use super::{StoreError, text_enum::text_enum};

text_enum! {
    /// What is known of a code.
    CodeState {
        /// The marketplace has not answered for it yet.
        Activating = "activating",
        /// It may be used.
        Active = "active",
        /// The marketplace says that it ended.
        Expired = "expired",
        /// Given back for good.
        Released = "released",
    }
}

/// One code that programs use here.
#[derive(Clone, PartialEq, sqlx::FromRow)]
pub(crate) struct CodeRow {
    pub(crate) code: String,
    pub(crate) state: CodeState,
    pub(crate) instance_id: Option<String>,
    pub(crate) used_since: i64,
    pub(crate) activated_at: Option<i64>,
    pub(crate) beaten_at: Option<i64>,
    pub(crate) asking_until: i64,
    pub(crate) next_at: i64,
    pub(crate) attempts: i64,
    pub(crate) unanswered: bool,
    pub(crate) last_code: Option<String>,
    pub(crate) last_message: Option<String>,
    pub(crate) answer: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) changed_at: i64,
}

/// The code is a credential, and the answer holds it.
impl std::fmt::Debug for CodeRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeRow")
            .field("state", &self.state)
            .field("instance_id", &self.instance_id)
            .finish_non_exhaustive()
    }
}

/// Which codes to list, in the order of the codes.
#[derive(Clone, Debug)]
pub(crate) struct CodeQuery {
    pub(crate) state: Option<CodeState>,
    pub(crate) instance_id: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: i64,
}

/// Authorization codes, by code.
#[async_trait]
pub(crate) trait Codes {
    /// Reads one and, when writing, keeps other writers off it until this transaction ends.
    async fn code(&mut self, code: &str) -> Result<Option<CodeRow>, StoreError>;
    /// Adds one, unless it is there: then false.
    async fn add_code(&mut self, row: &CodeRow) -> Result<bool, StoreError>;
    /// Writes back everything but the code, its first use and when it was added.
    async fn put_code(&mut self, row: &CodeRow) -> Result<(), StoreError>;
    async fn remove_code(&mut self, code: &str) -> Result<(), StoreError>;
    async fn codes(&mut self, query: &CodeQuery) -> Result<Vec<CodeRow>, StoreError>;
    /// How many wait for the marketplace's first answer.
    async fn codes_activating(&mut self) -> Result<i64, StoreError>;
    /// Forgets up to `limit` that were never answered for and not asked for since `before`.
    async fn sweep_codes(&mut self, before: i64, limit: i64) -> Result<u64, StoreError>;
    /// Takes up what a process that died was asking. Where servers share the database only time
    /// tells that one died, and nothing is done.
    async fn interrupt_codes(&mut self) -> Result<(), StoreError>;
}
