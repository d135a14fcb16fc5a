//! `[koogallery]`: the marketplace's addresses and the keys for each of its interfaces.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::http::Uri;
use koogallery::Edition;
use license_core::host::is_loopback;

use super::reader::Reader;
use super::secret::Secret;
use super::values;

/// Shorter keys are guessed, and the marketplace makes none.
const MIN_ACCESS_KEY_LENGTH: usize = 16;

/// `[koogallery]`
#[derive(Clone, Debug)]
pub(crate) struct Koogallery {
    /// Tried in turn, without a slash at the end.
    pub(crate) base_urls: Vec<String>,
    /// 基础接口. Every one of a list is tried; none verifies nothing.
    pub(crate) access_key: Vec<Secret>,
    /// License授权码交付接口.
    pub(crate) license_code_access_key: Vec<Secret>,
    /// 联营SaaS同步接口.
    pub(crate) kit_access_key: Vec<Secret>,
    /// Private RSA keys that open the kit's `clientSecret`, the newest first.
    pub(crate) kit_keys: Vec<PathBuf>,
    /// Opens them, where they are encrypted.
    pub(crate) kit_key_passphrase_file: Option<PathBuf>,
    /// 通用接口.
    pub(crate) general_access_key: Vec<Secret>,
    /// With `sk`: signs what we send.
    pub(crate) ak: Option<Secret>,
    /// The secret half of `ak`.
    pub(crate) sk: Option<Secret>,
    /// An extra CA for the base URLs.
    pub(crate) ca_file: Option<PathBuf>,
    /// How far a signed time may lie from ours, in both directions.
    pub(crate) clock_skew_seconds: u32,
    /// In which printing usage is pushed.
    pub(crate) usage_edition: Edition,
    /// What the marketplace's authorization codes begin with; none: no program's code is one.
    pub(crate) license_code_prefix: Vec<String>,
    /// Which of the marketplace's interfaces for authorization codes are called.
    pub(crate) license_code_edition: Edition,
    /// Whether an application is answered 000000 once its license is delivered.
    pub(crate) synchronous: bool,
}

impl Koogallery {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            base_urls: base_urls(reader),
            access_key: access_keys(reader, "koogallery.access_key"),
            license_code_access_key: access_keys(reader, "koogallery.license_code_access_key"),
            kit_access_key: access_keys(reader, "koogallery.kit_access_key"),
            kit_keys: values::files(reader, "koogallery.kit_key"),
            kit_key_passphrase_file: values::file(reader, "koogallery.kit_key_passphrase_file"),
            general_access_key: access_keys(reader, "koogallery.general_access_key"),
            ak: reader.secret("koogallery.ak"),
            sk: reader.secret("koogallery.sk"),
            ca_file: values::file(reader, "koogallery.ca_file"),
            clock_skew_seconds: clock_skew(reader),
            usage_edition: usage_edition(reader),
            license_code_prefix: reader.texts("koogallery.license_code_prefix"),
            license_code_edition: license_code_edition(reader),
            synchronous: reader.flag("koogallery.synchronous"),
        }
    }

    /// What can be judged once every key was read.
    pub(super) fn check(&self, reader: &mut Reader<'_>) {
        self.keys_differ(reader);
        let remedy = "give both, or none: they are made as a pair";
        match (&self.ak, &self.sk) {
            (Some(_), None) => reader.problem("koogallery.ak", "there is an ak without sk", remedy),
            (None, Some(_)) => reader.problem("koogallery.sk", "there is an sk without ak", remedy),
            _ => {}
        }
    }

    /// One value for two interface types would let a call of one be replayed at the other.
    fn keys_differ(&self, reader: &mut Reader<'_>) {
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        for (path, keys) in [
            ("koogallery.access_key", &self.access_key),
            ("koogallery.license_code_access_key", &self.license_code_access_key),
            ("koogallery.kit_access_key", &self.kit_access_key),
            ("koogallery.general_access_key", &self.general_access_key),
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
}

fn base_urls(reader: &mut Reader<'_>) -> Vec<String> {
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

fn access_keys(reader: &mut Reader<'_>, path: &str) -> Vec<Secret> {
    let keys = reader.secrets(path);
    if keys.iter().any(|key| key.expose().len() < MIN_ACCESS_KEY_LENGTH) {
        reader.problem(
            path,
            &format!("a key has fewer than {MIN_ACCESS_KEY_LENGTH} characters"),
            "copy the whole key from the seller console",
        );
    }
    keys
}

fn clock_skew(reader: &mut Reader<'_>) -> u32 {
    const PATH: &str = "koogallery.clock_skew_seconds";
    let seconds = reader.number(PATH);
    u32::try_from(seconds).ok().filter(|seconds| (1..=600).contains(seconds)).unwrap_or_else(|| {
        let what = format!("{seconds} is not between 1 and 600");
        reader.problem(PATH, &what, "write clock_skew_seconds = 60");
        60
    })
}

/// `koogallery.usage_form`
fn usage_edition(reader: &mut Reader<'_>) -> Edition {
    const PATH: &str = "koogallery.usage_form";
    match reader.text(PATH).as_str() {
        "new" => Edition::V2,
        "old" => Edition::V1,
        other => {
            let what = format!("{other:?} is neither \"new\" nor \"old\"");
            reader.problem(PATH, &what, "write usage_form = \"new\"");
            Edition::V2
        }
    }
}

fn license_code_edition(reader: &mut Reader<'_>) -> Edition {
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

#[cfg(test)]
mod tests {
    use koogallery::Edition;

    use crate::config::{Config, Sources};

    #[test]
    fn usage_has_two_forms() {
        let load = |form: &str| {
            let variables = vec![("LICD_KOOGALLERY__USAGE_FORM".to_owned(), form.to_owned())];
            Config::load(&Sources { variables, ..Sources::default() })
        };
        assert_eq!(load("old").ok().unwrap().config.koogallery.usage_edition, Edition::V1);
        assert_eq!(load("new").ok().unwrap().config.koogallery.usage_edition, Edition::V2);
        assert!(load("newest").is_err());
    }
}
