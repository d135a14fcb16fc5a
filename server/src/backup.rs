//! Backups: everything that the database holds, and the keys where asked for, in one file that
//! goes into an empty database of either kind. What the file looks like is in `file`; SQL is
//! below `store`.

mod file;
mod keys;
mod load;
mod save;

use license_core::Lang;

pub(crate) use load::{Restore, restore};
pub(crate) use save::{Backup, backup};

/// Why a backup is not written or not restored. A refusal changed nothing.
#[derive(Debug, thiserror::Error)]
#[error("{en} ({code})")]
pub(crate) struct Refusal {
    /// Stable word for it.
    pub(crate) code: &'static str,
    en: String,
    zh: String,
}

impl Refusal {
    fn new(code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { code, en: en.into(), zh: zh.into() }
    }

    /// What happened and what to do.
    pub(crate) fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.to_string(),
            Lang::Zh => format!("{}（{}）", self.zh, self.code),
        }
    }
}

/// Hears how many rows are done.
pub(crate) type Progress<'a> = &'a mut (dyn FnMut(u64) + Send);
