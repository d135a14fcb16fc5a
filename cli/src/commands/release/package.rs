//! Measures a package: its size and SHA-256.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::output::progress_bar;

/// What a release says of its package.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Package {
    pub(super) len: u64,
    /// Lower-case hex.
    pub(super) sha256: String,
}

impl Package {
    pub(super) fn measure(path: &Path) -> anyhow::Result<Self> {
        let reading = || format!("reading {}", path.display());
        let mut file = File::open(path).with_context(reading)?;
        let total = file.metadata().with_context(reading)?.len();
        let bar = progress_bar(total, "{bar:40} {bytes}/{total_bytes} {eta}");
        let mut hash = Sha256::new();
        let mut len = 0;
        let mut chunk = vec![0; 1 << 20];
        loop {
            let read = file.read(&mut chunk).with_context(reading)?;
            if read == 0 {
                break;
            }
            hash.update(&chunk[..read]);
            len += read as u64;
            bar.set_position(len);
        }
        bar.finish_and_clear();
        anyhow::ensure!(len > 0, "{} is empty", path.display());
        Ok(Self { len, sha256: hex::encode(hash.finalize()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_measured() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.tar.gz");
        std::fs::write(&path, "abc").unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned();
        assert_eq!(Package::measure(&path).unwrap(), Package { len: 3, sha256 });
        std::fs::write(&path, "").unwrap();
        assert!(Package::measure(&path).is_err());
    }
}
