//! Backups: everything that the database holds, and the keys where asked for, in one file that
//! goes into an empty database of either kind. What the file looks like is in `file`; SQL is
//! below `store`.

mod file;
mod format;
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

fn newer(version: i64) -> Refusal {
    let known = crate::store::Store::newest_version();
    Refusal::new(
        "BACKUP_NEWER",
        format!(
            "the backup has version {version}, this licd knows versions up to {known}: restore it \
             with the licd that made it, or a later one"
        ),
        format!(
            "备份的版本为 {version}，此 licd 最高支持 {known}：请使用创建该备份的 licd 或更新版本恢复"
        ),
    )
}

fn damaged(how: &str) -> Refusal {
    Refusal::new(
        "BACKUP_DAMAGED",
        format!("the backup is damaged ({how}): nothing was restored; take another copy of it"),
        format!("备份文件已损坏（{how}）：未恢复任何数据，请使用另一份副本"),
    )
}
