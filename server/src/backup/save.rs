//! `licd backup`: reads one moment of the database into a file that appears whole or not at all.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use futures_util::TryStreamExt as _;
use zeroize::Zeroizing;

use super::file::{Reader, Writer};
use super::format::Header;
use super::{Progress, Refusal, keys};
use crate::config::{Config, Database};
use crate::environment::Environment;
use crate::store::Store;

/// What to back up, and where to.
pub(crate) struct Backup<'a> {
    pub(crate) file: &'a Path,
    /// Replace a file that is there.
    pub(crate) force: bool,
    /// Takes the keys along, encrypted with it.
    pub(crate) passphrase: Option<Zeroizing<String>>,
}

/// What was written.
pub(crate) struct Saved {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// Writes a backup beside a server that may be running.
pub(crate) async fn backup(
    config: &Config,
    environment: &Environment,
    what: Backup<'_>,
    progress: Progress<'_>,
) -> anyhow::Result<Saved> {
    let free = || match (what.file.exists(), what.force) {
        (false, _) => Ok(()),
        (true, true) if may_go(what.file) => Ok(()),
        (true, true) => Err(no_backup(what.file)),
        (true, false) => Err(taken(what.file)),
    };
    free()?;
    let folder = &config.data_dir;
    if config.database == Database::Sqlite && !folder.join("licd.db").exists() {
        bail!("{} holds no licd database: name its folder with --data-dir", folder.display());
    }
    let opened = Store::snapshot(&config.database, folder).await;
    let mut snapshot = opened.context("the database cannot be read")?;
    // The time of the moment, not of the end: what came later is not in it.
    let made_at = environment.clock.now_ms().div_euclid(1000);
    let mut header = Header::new(snapshot.schema(), made_at, config.database.kind());
    keys::save(&mut header, config, environment, what.passphrase.as_ref().map(|p| p.as_str()))?;

    let beside = Beside::new(what.file, environment)?;
    let mut writer = Writer::new(beside.open()?, &header)?;
    for table in snapshot.tables().await? {
        writer.table(&table)?;
        let mut rows = snapshot.rows(&table);
        while let Some(row) = rows.try_next().await? {
            writer.row(&row).with_context(|| no_room(what.file))?;
            progress(writer.rows);
        }
    }
    let rows = writer.rows;
    let bytes = writer.finish().with_context(|| no_room(what.file))?;
    free()?;
    beside.rename(what.file)?;
    Ok(Saved { rows, bytes })
}

fn taken(path: &Path) -> Refusal {
    let shown = path.display();
    Refusal::new(
        "FILE_EXISTS",
        format!("{shown} is there already: name another file, or replace it with --force"),
        format!("{shown} 已存在：请换一个文件名，或用 --force 覆盖"),
    )
}

/// Whether nothing is lost with the file but an earlier backup: a database or a key that was named
/// by mistake is not replaced.
fn may_go(path: &Path) -> bool {
    let empty = std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0);
    empty || Reader::open(path).is_ok()
}

fn no_backup(path: &Path) -> Refusal {
    let shown = path.display();
    Refusal::new(
        "FILE_EXISTS",
        format!(
            "{shown} is there already and no backup of licd's: name the file that is to be \
             written; --force replaces nothing but an earlier backup"
        ),
        format!(
            "{shown} 已存在且不是 licd 的备份文件：请指定要写入的文件；--force 只会覆盖先前的备份"
        ),
    )
}

fn no_room(path: &Path) -> String {
    format!("the backup {} cannot be written", path.display())
}

/// The file under a name of its own until it is whole; removed when it never becomes that.
struct Beside {
    path: PathBuf,
}

impl Beside {
    fn new(file: &Path, environment: &Environment) -> anyhow::Result<Self> {
        let Some(name) = file.file_name() else { bail!("{} is no file name", file.display()) };
        let mut random = [0; 4];
        environment.entropy.fill(&mut random);
        let mut beside = name.to_owned();
        beside.push(format!(".{}.part", hex::encode(random)));
        Ok(Self { path: file.with_file_name(beside) })
    }

    fn open(&self) -> anyhow::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path).with_context(|| no_room(&self.path))
    }

    fn rename(&self, file: &Path) -> anyhow::Result<()> {
        let renamed = || -> std::io::Result<()> {
            std::fs::rename(&self.path, file)?;
            // The name is on the disk only once its folder is; elsewhere a folder cannot be opened.
            #[cfg(unix)]
            {
                let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
                File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            }
            Ok(())
        };
        renamed().with_context(|| no_room(file))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Once it was renamed there is nothing to remove.
        let _ = std::fs::remove_file(&self.path);
    }
}
