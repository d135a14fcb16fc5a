//! What a value must be like, and what is worth a warning.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use axum::http::Uri;

use koogallery::Edition;
use license_core::host::is_loopback;

use super::reader::Reader;
use super::{Config, Http, Koogallery, Secret, Tls, Warning};
use crate::net::Network;

/// Stands for an address that was refused; never listened on.
pub(super) const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Shorter keys are guessed, and the marketplace makes none.
const ACCESS_KEY_LENGTH: usize = 16;

pub(super) fn data_dir(reader: &mut Reader<'_>) -> PathBuf {
    reader.path("data_dir").unwrap_or_else(|| {
        reader.problem("data_dir", "it is empty", "write data_dir = \"./licd-data\"");
        PathBuf::new()
    })
}

pub(super) fn issuer(reader: &mut Reader<'_>) -> String {
    let issuer = reader.text("issuer");
    if issuer.is_empty() || issuer.len() > 128 || issuer.chars().any(char::is_control) {
        reader.problem(
            "issuer",
            "it must be a name of 1 to 128 bytes without control characters",
            "write the seller's name, as in issuer = \"Example Ltd\"",
        );
    }
    issuer
}

pub(super) fn address(reader: &mut Reader<'_>, path: &str) -> Option<SocketAddr> {
    let text = reader.text(path);
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = numeric.as_deref().unwrap_or(&text).parse::<SocketAddr>().ok();
    if address.is_none() {
        reader.problem(
            path,
            &format!("{text:?} is no address with a port"),
            "write an IP address and a port, as in \"127.0.0.1:8470\" or \"0.0.0.0:8470\"",
        );
    }
    address
}

pub(super) fn listeners_differ(reader: &mut Reader<'_>, http: &Http) {
    if http.listen.port() != 0 && http.admin_listen == Some(http.listen) {
        reader.problem(
            "http.admin_listen",
            "it is the same address as http.listen",
            "give the admin listener a port of its own, or \"\" to turn it off",
        );
    }
}

pub(super) fn tls(reader: &mut Reader<'_>) -> Option<Tls> {
    match (reader.path("http.tls_cert"), reader.path("http.tls_key")) {
        (Some(cert), Some(key)) => Some(Tls { cert, key }),
        (None, None) => None,
        (Some(_), None) => {
            let remedy = "name the key's PEM file in http.tls_key";
            reader.problem("http.tls_cert", "there is a certificate without its key", remedy);
            None
        }
        (None, Some(_)) => {
            let remedy = "name the certificate's PEM file in http.tls_cert";
            reader.problem("http.tls_key", "there is a key without its certificate", remedy);
            None
        }
    }
}

/// A file that is named must be there: it is not made.
pub(super) fn file(reader: &mut Reader<'_>, key: &str) -> Option<PathBuf> {
    let path = reader.path(key)?;
    if let Err(error) = std::fs::File::open(&path) {
        let cause = format!("{} cannot be read ({error})", path.display());
        reader.problem(key, &cause, "name a file that licd may read, or leave the key out");
    }
    Some(path)
}

/// Files that are named must be there.
pub(super) fn files(reader: &mut Reader<'_>, key: &str) -> Vec<PathBuf> {
    let paths: Vec<PathBuf> = reader.texts(key).into_iter().map(PathBuf::from).collect();
    for path in &paths {
        if let Err(error) = std::fs::File::open(path) {
            let cause = format!("{} cannot be read ({error})", path.display());
            reader.problem(key, &cause, "name a file that licd may read, or leave the key out");
        }
    }
    paths
}

pub(super) fn networks(reader: &mut Reader<'_>, key: &str) -> Vec<Network> {
    let mut networks = Vec::new();
    for text in reader.texts(key) {
        match text.parse::<Network>() {
            Ok(network) => networks.push(network),
            Err(what) => {
                let remedy = "write addresses or networks, as in [\"10.0.0.0/8\", \"::1\"]";
                reader.problem(key, &what, remedy);
            }
        }
    }
    networks
}

pub(super) fn base_urls(reader: &mut Reader<'_>) -> Vec<String> {
    const PATH: &str = "koogallery.base_url";
    let remedy = "write base_url = \"https://mkt.myhuaweicloud.com\"";
    let urls = reader.texts(PATH);
    if urls.is_empty() {
        reader.problem(PATH, "it is empty", remedy);
    }
    let mut good = Vec::new();
    for url in urls {
        match base_url_fault(&url) {
            // A URL with a password in it is not repeated.
            Some(fault) => reader.problem(PATH, fault, remedy),
            None => good.push(url.trim_end_matches('/').to_owned()),
        }
    }
    good
}

fn base_url_fault(url: &str) -> Option<&'static str> {
    let Ok(uri) = url.parse::<Uri>() else { return Some("it is no URL") };
    let (Some(scheme), Some(authority), Some(host)) =
        (uri.scheme_str(), uri.authority(), uri.host())
    else {
        return Some("it is no URL with a scheme and a host");
    };
    if authority.as_str().contains('@') {
        return Some("it holds a user name, which is never sent");
    }
    if uri.query().is_some() {
        return Some("it holds a query, which a base URL cannot have");
    }
    match scheme {
        "https" => None,
        "http" if is_loopback(host) => None,
        "http" => Some("plain http is allowed to a loopback address only, anyone could listen"),
        _ => Some("its scheme is not https"),
    }
}

pub(super) fn access_keys(reader: &mut Reader<'_>, path: &str) -> Vec<Secret> {
    let keys = reader.secrets(path);
    if keys.iter().any(|key| key.expose().len() < ACCESS_KEY_LENGTH) {
        reader.problem(
            path,
            &format!("a key has fewer than {ACCESS_KEY_LENGTH} characters"),
            "copy the whole key from the seller console",
        );
    }
    keys
}

/// One value for two interface types would let a call of one be replayed at the other.
pub(super) fn keys_differ(reader: &mut Reader<'_>, koogallery: &Koogallery) {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (path, keys) in [
        ("koogallery.access_key", &koogallery.access_key),
        ("koogallery.license_code_access_key", &koogallery.license_code_access_key),
        ("koogallery.kit_access_key", &koogallery.kit_access_key),
        ("koogallery.general_access_key", &koogallery.general_access_key),
    ] {
        for key in keys {
            let owner = *owners.entry(key.expose()).or_insert(path);
            if owner != path {
                reader.problem(
                    path,
                    &format!("it holds the same value as {owner}"),
                    "each interface type has a key of its own in the seller console",
                );
            }
        }
    }
}

pub(super) fn credentials(reader: &mut Reader<'_>, koogallery: &Koogallery) {
    let remedy = "give both, or none: they are made as a pair";
    match (&koogallery.ak, &koogallery.sk) {
        (Some(_), None) => reader.problem("koogallery.ak", "there is an ak without sk", remedy),
        (None, Some(_)) => reader.problem("koogallery.sk", "there is an sk without ak", remedy),
        _ => {}
    }
}

pub(super) fn clock_skew(reader: &mut Reader<'_>) -> u32 {
    const PATH: &str = "koogallery.clock_skew_seconds";
    let seconds = reader.number(PATH);
    u32::try_from(seconds).ok().filter(|seconds| (1..=600).contains(seconds)).unwrap_or_else(|| {
        let what = format!("{seconds} is not between 1 and 600");
        reader.problem(PATH, &what, "write clock_skew_seconds = 60");
        60
    })
}

/// Days that something is kept; 0 for ever.
pub(super) fn days(reader: &mut Reader<'_>, path: &str) -> u32 {
    const MOST: u32 = 36_500;
    let days = reader.number(path);
    u32::try_from(days).ok().filter(|days| *days <= MOST).unwrap_or_else(|| {
        let what = format!("{days} is not between 0 (for ever) and {MOST} days");
        reader.problem(path, &what, "write the days as a whole number: 90");
        0
    })
}

pub(super) fn license_code_edition(reader: &mut Reader<'_>) -> Edition {
    const PATH: &str = "koogallery.license_code_version";
    match reader.number(PATH) {
        1 => Edition::V1,
        2 => Edition::V2,
        other => {
            let what = format!("{other} is neither 1 nor 2");
            reader.problem(PATH, &what, "write license_code_version = 1");
            Edition::V1
        }
    }
}

/// Says what works but is probably not meant.
pub(super) fn warnings(config: &Config, file: Option<&Path>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |key, text: String| warnings.push(Warning { key, text });
    let koogallery = &config.koogallery;
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
    if let Some(admin) = config.http.admin_listen
        && !admin.ip().is_loopback()
        && config.http.tls.is_none()
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
