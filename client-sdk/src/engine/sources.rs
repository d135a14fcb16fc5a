//! License sources that the program names: text, files, folders, the address of a server.

use std::{fs, path::Path};

use license_core::{Code, Timestamp, armor, verify::Verified};

use super::{Engine, locked};
use crate::{Outcome, error::SdkError, transport};

/// A license file larger than this is none.
const FILE_LIMIT: u64 = 8 * 1024 * 1024;

/// Licenses read of one folder; it may hold other files.
const FILES_LIMIT: usize = 256;

impl Engine {
    /// Opens licenses that the program found: text, files, folders, a server's address.
    pub(crate) fn open(&self, sources: &[&str]) -> Outcome {
        let device = self.device("");
        let mut best: Option<(String, Verified)> = None;
        let mut refused: Option<SdkError> = None;
        for source in sources {
            let texts = match self.texts(source) {
                Ok(texts) => texts,
                Err(failure) => {
                    refused = refused.or(Some(failure));
                    continue;
                }
            };
            for text in texts {
                let mut cache = self.cache();
                if let Ok(blocks) = armor::read(&text) {
                    cache.take_blocks(&blocks, &self.settings, (self.platform.now)());
                }
                match cache.judge(&text, Some(&device), &self.settings, &self.platform) {
                    Ok(verified) => {
                        if best.as_ref().is_none_or(|(_, best)| better(&verified, best)) {
                            best = Some((String::from_utf8_lossy(&text).into_owned(), verified));
                        }
                    }
                    Err(failure) => refused = refused.or(Some(failure)),
                }
            }
        }
        let Some((text, verified)) = best else {
            return Outcome::from(&refused.unwrap_or_else(|| SdkError::of(Code::LicenseMissing)));
        };
        let mut cache = self.cache();
        let kept = cache.license().and_then(|text| {
            cache.judge(text.as_bytes(), Some(&device), &self.settings, &self.platform).ok()
        });
        if kept.as_ref().is_none_or(|kept| better(&verified, kept)) {
            cache.keep_license(&text, &verified);
        }
        drop(cache);
        let outcome = Outcome::from(&verified);
        *locked(&self.in_force) = Some(verified);
        outcome
    }

    /// The license texts that a source holds.
    fn texts(&self, source: &str) -> Result<Vec<Vec<u8>>, SdkError> {
        let trimmed = source.trim();
        if trimmed.starts_with("https://") || trimmed.starts_with("http://") {
            let base = transport::base_url(trimmed)
                .map_err(|error| SdkError::with(Code::ConfigInvalid, error))?;
            *locked(&self.server) = Some(base);
            // Nothing waits for the network here: what this machine has answers, and later
            // requests ask that server.
            let kept = self.cache().license().ok_or_else(|| SdkError::of(Code::LicenseMissing))?;
            return Ok(vec![kept.into_bytes()]);
        }
        if trimmed.contains("-----BEGIN ") || trimmed.contains("eyJ") {
            return Ok(vec![trimmed.as_bytes().to_vec()]);
        }
        let path = Path::new(trimmed);
        if path.is_dir() {
            return folder(path);
        }
        if path.is_file() {
            return Ok(vec![file(path)?]);
        }
        let looks_like_a_path =
            trimmed.contains(['/', '\\']) || path.extension().is_some_and(|e| e == "lic");
        Err(if looks_like_a_path {
            SdkError::with(Code::LicenseMissing, trimmed)
        } else {
            SdkError::of(Code::LicenseMalformed)
        })
    }
}

/// Of two valid licenses the newer of the same instance, else the one that lasts longer.
fn better(new: &Verified, old: &Verified) -> bool {
    if new.claims.instance == old.claims.instance {
        return new.claims.issued_at >= old.claims.issued_at;
    }
    let end = |verified: &Verified| verified.claims.expires.map_or(i64::MAX, Timestamp::as_secs);
    end(new) >= end(old)
}

fn file(path: &Path) -> Result<Vec<u8>, SdkError> {
    let failed = |error: &dyn std::fmt::Display| {
        SdkError::with(Code::LicenseMissing, format_args!("{}: {error}", path.display()))
    };
    let size = fs::metadata(path).map_err(|error| failed(&error))?.len();
    if size > FILE_LIMIT {
        return Err(SdkError::with(Code::LicenseMalformed, path.display()));
    }
    fs::read(path).map_err(|error| failed(&error))
}

/// Every `.lic` file of a folder, in the order of their names.
fn folder(path: &Path) -> Result<Vec<Vec<u8>>, SdkError> {
    let mut paths: Vec<_> = fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("lic")))
        .collect();
    paths.sort();
    paths.truncate(FILES_LIMIT);
    let texts: Vec<_> = paths.iter().filter_map(|path| file(path).ok()).collect();
    if texts.is_empty() {
        return Err(SdkError::with(Code::LicenseMissing, path.display()));
    }
    Ok(texts)
}
