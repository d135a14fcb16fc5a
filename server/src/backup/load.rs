//! `licd restore`: the whole file is looked at first, then loaded in one transaction.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;
use zeroize::Zeroizing;

use super::file::{Next, Reader};
use super::format::Header;
use super::{Progress, Refusal, damaged, keys, newer};
use crate::config::{Config, Database};
use crate::data_dir;
use crate::environment::Environment;
use crate::store::{NotEmpty, RestoreTarget, Store, Table};

/// Rows of one statement, and bytes of them: what is in memory at once.
const ROWS: usize = 500;
const BYTES: usize = 1 << 20;

/// What to restore, and how.
pub(crate) struct Restore<'a> {
    pub(crate) file: &'a Path,
    /// Opens the keys in it.
    pub(crate) passphrase: Option<Zeroizing<String>>,
    /// Leave keys out, whatever is in the file and in the folder.
    pub(crate) without_keys: bool,
}

/// What was restored.
pub(crate) struct Restored {
    pub(crate) rows: u64,
    /// When the backup was made, UTC seconds.
    pub(crate) made_at: i64,
    /// Key files that were written.
    pub(crate) keys: Vec<PathBuf>,
}

/// Fills the empty database that the configuration names.
pub(crate) async fn restore(
    config: &Config,
    environment: &Environment,
    what: Restore<'_>,
    progress: Progress<'_>,
) -> anyhow::Result<Restored> {
    let header = examine(what.file)?;
    let folder = &config.data_dir;
    let plan = if what.without_keys {
        None
    } else {
        let plan = keys::plan(&header, config, what.passphrase.as_ref().map(|p| p.as_str()));
        if plan.is_err() && Store::is_made(&config.database, folder).await? {
            // That it is not empty is the cause to name: its keys are not to be moved away.
            drop(
                Store::restore_target(&config.database, folder, header.schema)
                    .await
                    .map_err(not_empty)?,
            );
        }
        Some(plan?)
    };
    data_dir::make_folder(folder)?;
    let _lock = data_dir::lock(folder)?;
    if config.database == Database::Sqlite {
        data_dir::owner_only(&folder.join("licd.db"))?;
    }
    let opened = Store::restore_target(&config.database, folder, header.schema).await;
    let mut target = opened.map_err(not_empty)?;
    // Before the data: a database without its keys could not be restored once more.
    let keys = plan.map(|plan| plan.carry_out(environment)).transpose()?.unwrap_or_default();
    let rows = fill(&mut *target, what.file, progress).await?;
    let restored_at = environment.clock.now_ms().div_euclid(1000);
    let note = json!({ "backup_at": header.made_at, "restored_at": restored_at });
    target.finish(note.to_string().as_bytes()).await.context("the database cannot be filled")?;
    Ok(Restored { rows, made_at: header.made_at, keys })
}

/// Reads the whole file, so that nothing is begun with one that is damaged.
fn examine(path: &Path) -> anyhow::Result<Header> {
    let (header, mut reader) = Reader::open(path)?;
    if header.schema > Store::newest_version() {
        return Err(newer(header.schema).into());
    }
    while !matches!(reader.next()?, Next::End) {}
    Ok(header)
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` gives it away")]
fn not_empty(error: NotEmpty) -> anyhow::Error {
    let zh = match &error {
        NotEmpty::Rows(table) => format!("表 {table} 中已有数据"),
        NotEmpty::Foreign(table) => format!("其中的表 {table} 不属于 licd"),
        NotEmpty::Later(version) => format!("其空表的版本 {version} 高于备份的版本"),
        NotEmpty::Store(error) => {
            return anyhow::Error::from(error.clone()).context("the database cannot be filled");
        }
    };
    Refusal::new(
        "DATABASE_NOT_EMPTY",
        format!(
            "{error}: nothing was restored; name a fresh folder with --data-dir, or an empty \
             PostgreSQL database"
        ),
        format!("目标数据库不为空（{zh}）：未恢复任何数据；请用 --data-dir 指定新目录，或使用空的 PostgreSQL 数据库"),
    )
    .into()
}

async fn fill(
    target: &mut dyn RestoreTarget,
    path: &Path,
    progress: Progress<'_>,
) -> anyhow::Result<u64> {
    let mut missing = target.tables().await?;
    let (_, mut reader) = Reader::open(path)?;
    let mut batch = Batch::default();
    let mut table: Option<Table> = None;
    let mut total = 0;
    loop {
        let next = reader.next()?;
        let ends = match &next {
            Next::Row(row) => batch.is_full(row),
            Next::Table(_) | Next::End => true,
        };
        if let Some(table) = table.as_ref().filter(|_| ends && batch.rows > 0) {
            let filled = target.fill(table, &batch.take()).await;
            filled.with_context(|| format!("the table {} cannot be filled", table.name))?;
        }
        match next {
            Next::Table(named) => {
                let at = missing.iter().position(|ours| ours.arranged_as(&named).is_some());
                let ours = at.and_then(|at| missing.swap_remove(at).arranged_as(&named));
                let other =
                    || damaged(&format!("its table {} is not one of that version", named.name));
                table = Some(ours.ok_or_else(other)?);
            }
            Next::Row(_) if table.is_none() => return Err(damaged("rows without a table").into()),
            Next::Row(row) => {
                batch.add(&row);
                total += 1;
                progress(total);
            }
            Next::End => break,
        }
    }
    if let Some(table) = missing.first() {
        return Err(damaged(&format!("its table {} is missing", table.name)).into());
    }
    Ok(total)
}

/// Rows that travel together, as one JSON array.
#[derive(Default)]
struct Batch {
    text: String,
    rows: usize,
}

impl Batch {
    fn is_full(&self, next: &str) -> bool {
        self.rows >= ROWS || self.text.len() + next.len() > BYTES
    }

    fn add(&mut self, row: &str) {
        self.text.push(if self.rows == 0 { '[' } else { ',' });
        self.text.push_str(row);
        self.rows += 1;
    }

    fn take(&mut self) -> String {
        self.rows = 0;
        let mut text = std::mem::take(&mut self.text);
        text.push(']');
        text
    }
}
