//! The state folder: small files, written whole or not at all. Their readers verify what they hold,
//! and a broken file is set aside.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// No file of ours is larger.
const FILE_LIMIT: u64 = 8 * 1024 * 1024;

/// Tells the temporary files of one process apart.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// One folder of state; without one nothing is kept beyond the process.
#[derive(Clone, Debug)]
pub(crate) struct StateDir(Option<PathBuf>);

impl StateDir {
    pub(crate) const fn new(path: Option<PathBuf>) -> Self {
        Self(path)
    }

    /// Where `name` lies, made absolute so that the program may change its working folder.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        let path = self.0.as_ref()?.join(name);
        std::path::absolute(&path).ok().or(Some(path))
    }

    /// The text of a file; absent, unreadable, too large and no text are the same.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        let path = self.path(name)?;
        if fs::metadata(&path).ok()?.len() > FILE_LIMIT {
            self.set_aside(name);
            return None;
        }
        let bytes = fs::read(&path).ok()?;
        String::from_utf8(bytes).inspect_err(|_| self.set_aside(name)).ok()
    }

    /// Writes a file whole.
    ///
    /// # Errors
    /// As the system says; the old file is untouched then.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self.path(name) {
            Some(path) => write(&path, bytes),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "there is no state folder")),
        }
    }

    /// Renames a file that cannot be used, so that its cause can be examined.
    pub(crate) fn set_aside(&self, name: &str) {
        if let Some(path) = self.path(name) {
            // If even that fails the file is simply ignored again next time.
            let _ = fs::rename(&path, self.path(&format!("{name}.corrupt")).unwrap_or_default());
        }
    }
}

/// Writes beside the target, then renames over it: a reader sees the old bytes or the new ones.
///
/// # Errors
/// As the system says; the old file is untouched then.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{number}.tmp", process::id()));
    let temporary = path.with_file_name(name);
    let written = (|| {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_behind() {
        let root = tempfile::tempdir().unwrap();
        let folder = StateDir::new(Some(root.path().join("软件/仿真")));
        assert_eq!(folder.read("license.lic"), None);
        for text in ["one", "two"] {
            folder.write("license.lic", text.as_bytes()).unwrap();
            assert_eq!(folder.read("license.lic").as_deref(), Some(text));
        }
        let names = fs::read_dir(root.path().join("软件/仿真")).unwrap().count();
        assert_eq!(names, 1);
    }

    #[test]
    fn what_is_no_text_is_put_aside() {
        let root = tempfile::tempdir().unwrap();
        let folder = StateDir::new(Some(root.path().to_owned()));
        folder.write("list", b"\xFF\xFE\x00").unwrap();
        assert_eq!(folder.read("list"), None);
        assert!(root.path().join("list.corrupt").exists());
        assert!(!root.path().join("list").exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_and_no_more() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(StateDir::new(Some(file.join("below"))).write("a", b"b").is_err());
        assert!(StateDir::new(None).write("a", b"b").is_err());
        assert_eq!(StateDir::new(None).read("a"), None);
    }

    #[test]
    fn many_writers_leave_one_whole_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = StateDir::new(Some(root.path().to_owned()));
        std::thread::scope(|scope| {
            for i in 0..8u8 {
                let folder = folder.clone();
                scope.spawn(move || {
                    for _ in 0..20 {
                        folder.write("f", &[b'a' + i; 1000]).unwrap();
                    }
                });
            }
        });
        let text = folder.read("f").unwrap();
        assert_eq!(text.len(), 1000);
        assert!(text.bytes().all(|b| b == text.as_bytes()[0]));
    }
}
