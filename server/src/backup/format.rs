//! The header of a backup file, and the keys that it may carry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of this form; rises when an older `licd` could not read it.
pub(super) const FORMAT_VERSION: u32 = 1;
/// The first line.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Header {
    /// [`FORMAT_VERSION`]; its name tells that this is a backup of ours.
    licd_backup: u32,
    /// The program that wrote it.
    pub(super) program: String,
    /// The version of the tables.
    pub(super) schema: i64,
    /// UTC seconds.
    pub(super) made_at: i64,
    /// `sqlite` or `postgres`: where it came from, not where it may go.
    pub(super) database: String,
    /// The ids of the keys in use when it was made, by role.
    pub(super) key_ids: BTreeMap<String, String>,
    /// The keys themselves, encrypted, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<SavedKey>,
}

impl Header {
    pub(super) fn new(schema: i64, made_at: i64, database: &str) -> Self {
        Self {
            licd_backup: FORMAT_VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            schema,
            made_at,
            database: database.to_owned(),
            key_ids: BTreeMap::new(),
            keys: Vec::new(),
        }
    }
}

/// One key.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct SavedKey {
    /// `issuing` or `release`.
    pub(super) role: String,
    /// Encrypted PKCS#8, with the lines for people before it.
    pub(super) pem: String,
}

impl std::fmt::Debug for SavedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SavedKey").field("role", &self.role).finish_non_exhaustive()
    }
}
