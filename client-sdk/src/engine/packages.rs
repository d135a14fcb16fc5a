//! Downloads the package of a release and accepts it only with the published digest.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use license_core::{Code, release::Release};
use sha2::{Digest, Sha256};

use super::Engine;
use crate::{error::SdkError, transport};

/// A network read or a file, whichever the list names.
type Source = Box<dyn Read>;

impl Engine {
    /// The package in the state folder, fetched unless it lies there already.
    ///
    /// # Errors
    /// [`Code::PackageDamaged`], [`Code::ServerUnreachable`], [`Code::StateUnwritable`]; nothing is
    /// left behind then.
    pub(super) fn package(
        &self,
        release: &Release,
        given_up: &dyn Fn() -> bool,
    ) -> Result<PathBuf, SdkError> {
        let name = file_name(release);
        let target =
            self.cache().updates(&name).ok_or_else(|| SdkError::of(Code::StateUnwritable))?;
        let canceled = || given_up() || self.is_closed();
        if let Ok(there) = fs::File::open(&target)
            && copy(Box::new(there), &mut io::sink(), release, &canceled).is_ok()
        {
            return Ok(target);
        }
        let part = target.with_file_name(format!("{name}.part"));
        let unwritable = |error: io::Error| {
            SdkError::with(Code::StateUnwritable, format_args!("{}: {error}", part.display()))
        };
        fs::create_dir_all(target.parent().unwrap_or(Path::new(""))).map_err(unwritable)?;
        let source = self.source(release)?;
        let mut file = fs::File::create(&part).map_err(unwritable)?;
        let copied = copy(source, &mut file, release, &canceled)
            .and_then(|()| file.sync_all().map_err(unwritable));
        drop(file);
        let done = copied.and_then(|()| fs::rename(&part, &target).map_err(unwritable));
        if done.is_err() {
            let _ = fs::remove_file(&part);
        }
        done.map(|()| target)
    }

    fn source(&self, release: &Release) -> Result<Source, SdkError> {
        let url = release.url.trim();
        if url.starts_with("https://") || url.starts_with("http://") {
            return Ok(Box::new(transport::package(url, release.len, &self.settings.proxy)?));
        }
        // Sites without a network share packages in a folder.
        let path = local_path(url);
        if !path.is_absolute() {
            return Err(SdkError::with(Code::PackageDamaged, "neither https nor a full path"));
        }
        let file = fs::File::open(&path).map_err(|error| {
            SdkError::with(Code::ServerUnreachable, format_args!("{}: {error}", path.display()))
        })?;
        Ok(Box::new(file))
    }
}

/// Copies exactly the published bytes.
fn copy(
    mut source: Source,
    target: &mut dyn Write,
    release: &Release,
    given_up: &dyn Fn() -> bool,
) -> Result<(), SdkError> {
    let damaged = |what: &str| SdkError::with(Code::PackageDamaged, what);
    let mut hash = Sha256::new();
    let mut left = release.len;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if given_up() {
            return Err(SdkError::of(Code::ShutDown));
        }
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(SdkError::with(Code::ServerUnreachable, error)),
        };
        left = left.checked_sub(read as u64).ok_or_else(|| damaged("larger than published"))?;
        hash.update(&buffer[..read]);
        target
            .write_all(&buffer[..read])
            .map_err(|error| SdkError::with(Code::StateUnwritable, error))?;
    }
    if left > 0 {
        return Err(damaged("smaller than published"));
    }
    let published = release.sha256.as_bytes().chunks(2).map(|pair| {
        std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    let genuine = published.eq(hash.finalize().iter().map(|byte| Some(*byte)));
    if genuine { Ok(()) } else { Err(damaged("SHA-256")) }
}

/// The last part of the address, with nothing in it that a file system could take for a path.
fn file_name(release: &Release) -> String {
    let path = release.url.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let last: String = last.chars().filter(|c| safe(*c)).take(100).collect();
    let last = last.trim_start_matches('.');
    let last = if last.is_empty() { "package" } else { last };
    format!("{}-{last}", release.version)
}

/// A path, or the path in a `file:` address.
fn local_path(url: &str) -> PathBuf {
    let Some(rest) = url.strip_prefix("file://") else { return PathBuf::from(url) };
    let mut bytes = Vec::with_capacity(rest.len());
    let mut at = 0;
    while at < rest.len() {
        let escaped = rest.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (rest.as_bytes()[at], escaped) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                at += 3;
            }
            (byte, _) => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // `file:///D:/packages` and `file://server/share` on Windows.
    PathBuf::from(match text.strip_prefix('/') {
        Some(drive) if cfg!(windows) => drive.to_owned(),
        None if cfg!(windows) => format!("//{text}"),
        _ => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(url: &str) -> Release {
        Release {
            version: "2.1.0".parse().expect("a version"),
            date: license_core::Timestamp::from_secs(0),
            url: url.to_owned(),
            len: 0,
            sha256: String::new(),
            obliges: None,
            due: None,
            notes: license_core::release::Notes::default(),
        }
    }

    #[test]
    fn a_package_never_leaves_its_folder() {
        for (url, name) in [
            (
                "https://dl.example.com/flowsim-2.1.0.tar.gz?x=/../../etc",
                "2.1.0-flowsim-2.1.0.tar.gz",
            ),
            ("https://dl.example.com/", "2.1.0-package"),
            ("D:\\share\\安装.exe", "2.1.0-安装.exe"),
            ("https://dl.example.com/..", "2.1.0-package"),
            ("https://dl.example.com/a%2F..%2Fb", "2.1.0-a2F..2Fb"),
        ] {
            assert_eq!(file_name(&release(url)), name, "{url}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn file_addresses_are_paths() {
        for (url, path) in [
            ("file:///srv/%E8%BD%AF%E4%BB%B6/a%20b", "/srv/软件/a b"),
            ("/srv/a%20b", "/srv/a%20b"),
            ("file:///srv/100%", "/srv/100%"),
        ] {
            assert_eq!(local_path(url), PathBuf::from(path), "{url}");
        }
    }
}
