//! Configurations that work and are probably not meant.

use std::path::Path;

use super::http::Http;
use super::marketplace::Koogallery;

/// Something that works but is probably not meant.
pub(crate) struct Warning {
    /// The key it is about; empty where it is about a file.
    pub(crate) key: &'static str,
    /// What will happen, and what to do.
    pub(crate) text: String,
}

/// Says what works but is probably not meant.
pub(super) fn warnings(http: &Http, koogallery: &Koogallery, file: Option<&Path>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |key, text: String| warnings.push(Warning { key, text });
    if koogallery.access_key.is_empty() {
        warn(
            "koogallery.access_key",
            "koogallery.access_key is empty: the marketplace's calls will be answered 000001 \
             (signature not accepted). Copy the key from the seller console."
                .to_owned(),
        );
    }
    if koogallery.ak.is_none() {
        warn(
            "koogallery.ak",
            "koogallery.ak and sk are empty: orders cannot be read and licenses cannot be \
             uploaded. Make an access key pair in the seller's account."
                .to_owned(),
        );
    }
    if !koogallery.kit_access_key.is_empty() && koogallery.kit_keys.is_empty() {
        warn(
            "koogallery.kit_key",
            "koogallery.kit_access_key is set and koogallery.kit_key is not: the kit's applications \
             (applicationSync) will be answered 000002, because their clientSecret cannot be \
             decrypted, and their users cannot log in. Make the key with `licctl key generate --alg \
             rsa3072` and give its public half to the marketplace."
                .to_owned(),
        );
    }
    if let Some(admin) = http.admin_listen
        && !admin.ip().is_loopback()
        && http.tls.is_none()
    {
        warn(
            "http.admin_listen",
            format!(
                "http.admin_listen is {admin} without TLS: tokens travel in clear text. Listen on \
             127.0.0.1 behind a proxy, or set http.tls_cert and http.tls_key."
            ),
        );
    }
    if let Some(path) = file.filter(|path| is_readable_by_others(path)) {
        warn(
            "",
            format!(
                "{}: every user of this machine can read this file. If it holds keys: chmod 600, or \
             keep them in files of their own (access_key_file).",
                path.display()
            ),
        );
    }
    warnings
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_path: &Path) -> bool {
    false
}
