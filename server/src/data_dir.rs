//! The data folder: made for its owner alone, locked by one process at a time, and the id of the
//! server that it belongs to.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::environment::Environment;

/// File of the server id: it is there once the folder has served.
const SERVER_ID: &str = "server-id";

/// Whether a server has used this folder before.
pub(crate) fn has_served(folder: &Path) -> bool {
    folder.join(SERVER_ID).exists()
}

/// Makes the data folder, for its owner alone.
pub(crate) fn make_folder(folder: &Path) -> anyhow::Result<()> {
    let made = || -> std::io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)
    };
    made().with_context(|| {
        format!(
            "the data folder {} cannot be made: name a folder that licd may write with --data-dir",
            folder.display()
        )
    })
}

/// Makes a file that only its owner may read: the database holds activation codes.
pub(crate) fn owner_only(path: &Path) -> anyhow::Result<()> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ()).with_context(|| format!("{} cannot be written", path.display()))
}

/// One process at a time: a second one would sign and send beside the first.
pub(crate) fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("licd.lock");
    let file = match File::options().create(true).truncate(false).write(true).open(&path) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            bail!(
                "the data folder {} is read-only for licd ({error}): give it to the user that \
                 licd runs as, or name another one with --data-dir",
                folder.display()
            )
        }
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be opened", path.display()));
        }
    };
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another licd is using the data folder {}: stop it first, or name another folder with \
             --data-dir",
            folder.display()
        ),
        Err(TryLockError::Error(error)) => Err(error)
            .with_context(|| format!("the data folder {} cannot be locked", folder.display())),
    }
}

/// Names the audit chain that this server writes: made once for each data folder, so that servers that share a
/// database have chains of their own, and one that moves goes on with its own.
pub(crate) fn server_id(folder: &Path, environment: &Environment) -> anyhow::Result<String> {
    let path = folder.join(SERVER_ID);
    match std::fs::read_to_string(&path) {
        Ok(id) => {
            let id = id.trim();
            if id.len() != 32 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
                bail!("{} holds no server id: 32 hex digits", path.display());
            }
            return Ok(id.to_owned());
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", path.display()));
        }
    }
    let mut id = [0; 16];
    environment.entropy.fill(&mut id);
    let id = hex::encode(id);
    write_secret(&path, format!("{id}\n").as_bytes())?;
    Ok(id)
}

/// Writes a file that only its owner may read: whole or not at all, also when the power fails.
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let written = || -> std::io::Result<()> {
        let beside = path.with_extension("new");
        let _ = std::fs::remove_file(&beside);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        // The name is on the disk only once its folder is; elsewhere a folder cannot be opened.
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    written().with_context(|| format!("{} cannot be written", path.display()))
}
