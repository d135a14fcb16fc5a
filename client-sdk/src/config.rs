//! Configuration: what the program sets, and what the machine's administrator may override.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use license_core::{Timestamp, version::Version};
use serde::Deserialize;

use crate::{platform::Platform, transport, trust_anchors::TrustAnchors};

/// A configuration file larger than this is none.
const FILE_LIMIT: u64 = 64 * 1024;

/// What the program says of itself. Empty members take their default.
///
/// `server`, `activation_code`, `state_dir`, `channel` and `proxy` may also come from the
/// environment (`LICSDK_SERVER`, …) or a `licsdk.toml`, in that order before these values.
/// `product`, `version` and `trust` come from the program alone: a user who could add a trust
/// anchor could sign his own license.
#[derive(Clone)]
pub struct Config {
    /// `https://license.example.com`; empty: offline only. Plain http only to this machine.
    pub server: String,
    /// The product's id, `flowsim`.
    pub product: String,
    /// This program's version, `2.0.0`.
    pub version: String,
    /// When this version was released, `2026-10-01`, for maintenance windows.
    pub release_date: String,
    /// What the customer was given.
    pub activation_code: String,
    /// Root or issuing public keys as JWKS text; a path only with [`Config::development`].
    pub trust: String,
    /// Where license, lists and clock floor are kept; empty: the platform's place for the user.
    pub state_dir: String,
    /// Which releases are of interest; empty: `stable`.
    pub channel: String,
    /// Which packages fit; empty: this platform, as [`platform`] names it.
    pub platform: String,
    /// `http://proxy:3128`, `socks5://…`, `direct`; empty: `HTTPS_PROXY` or `ALL_PROXY`.
    pub proxy: String,
    /// Lets `trust` name a file. On in debug builds; turn it off in what customers get.
    pub development: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: String::new(),
            product: String::new(),
            version: String::new(),
            release_date: String::new(),
            activation_code: String::new(),
            trust: String::new(),
            state_dir: String::new(),
            channel: String::new(),
            platform: String::new(),
            proxy: String::new(),
            development: cfg!(debug_assertions),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The activation code and a proxy's password are credentials.
        f.debug_struct("Config")
            .field("server", &self.server)
            .field("product", &self.product)
            .field("version", &self.version)
            .field("release_date", &self.release_date)
            .field("state_dir", &self.state_dir)
            .field("channel", &self.channel)
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

/// The name of the platform that this library was built for, as release lists write it:
/// `linux-x86_64`, `windows-x86_64`, `macos-aarch64`.
#[must_use]
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}

/// What the program's configuration cannot be used for, one sentence.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConfigError(pub(crate) String);

/// A configuration that was read and merged.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) server: Option<String>,
    pub(crate) product: String,
    pub(crate) version: Option<Version>,
    pub(crate) release_date: Option<Timestamp>,
    pub(crate) activation_code: String,
    pub(crate) anchors: TrustAnchors,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) channel: String,
    pub(crate) platform: String,
    pub(crate) proxy: String,
    /// What should be put right but stops nothing.
    pub(crate) warnings: Vec<String>,
}

/// The keys that an administrator may set. There is no member for trust, product or version.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Administered {
    server: Option<String>,
    activation_code: Option<String>,
    state_dir: Option<String>,
    channel: Option<String>,
    proxy: Option<String>,
    #[serde(flatten)]
    unknown: std::collections::BTreeMap<String, toml::Value>,
}

impl Settings {
    /// Merges environment, files and the program's own values.
    pub(crate) fn resolve(config: &Config, host: &Platform) -> Result<Self, ConfigError> {
        let mut warnings = Vec::new();
        let mut files: Vec<_> =
            host.config_files.iter().filter_map(|path| read(path, &mut warnings)).collect();
        let default_dir =
            host.state_home.as_ref().map(|home| home.join(folder_name(&config.product)));
        let setting = |name: &str,
                       files: &[Administered],
                       pick: fn(&Administered) -> &Option<String>,
                       own: &str| {
            (host.env)(name)
                .filter(|value| !value.trim().is_empty())
                .or_else(|| files.iter().find_map(|file| pick(file).clone()))
                .unwrap_or_else(|| own.to_owned())
                .trim()
                .to_owned()
        };
        let dir = setting("LICSDK_STATE_DIR", &files, |f| &f.state_dir, &config.state_dir);
        let state_dir = if dir.is_empty() { default_dir } else { Some(PathBuf::from(dir)) };
        // A file in the state folder counts after those that may have named the folder.
        let last = state_dir.as_ref().map(|dir| dir.join("licsdk.toml"));
        files.extend(last.and_then(|path| read(&path, &mut warnings)));

        let server = setting("LICSDK_SERVER", &files, |f| &f.server, &config.server);
        let channel = setting("LICSDK_CHANNEL", &files, |f| &f.channel, &config.channel);
        let product = config.product.trim();
        if product.is_empty() {
            return Err(ConfigError("`product` is empty".to_owned()));
        }
        let fact = |name: &str, error: &dyn fmt::Display| ConfigError(format!("`{name}`: {error}"));
        let optional = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        // A typing error of the administrator's must not keep a program with a license from starting.
        let address = match (transport::base_url(&server), server.is_empty()) {
            (_, true) => None,
            (Ok(address), _) => Some(address),
            (Err(error), _) if server == config.server.trim() => {
                return Err(fact("server", &error));
            }
            (Err(error), _) => {
                warnings.push(format!("CONFIG_INVALID: `server`: {error}, ignored"));
                transport::base_url(&config.server).ok()
            }
        };
        Ok(Self {
            server: address,
            product: product.to_owned(),
            version: optional(&config.version)
                .map(|version| version.parse().map_err(|e| fact("version", &e)))
                .transpose()?,
            release_date: optional(&config.release_date)
                .map(|date| date.parse().map_err(|e| fact("release_date", &e)))
                .transpose()?,
            activation_code: setting(
                "LICSDK_ACTIVATION_CODE",
                &files,
                |f| &f.activation_code,
                &config.activation_code,
            ),
            anchors: TrustAnchors::read(&config.trust, config.development)
                .map_err(|e| fact("trust", &e))?,
            state_dir,
            channel: optional(&channel).unwrap_or_else(|| "stable".to_owned()),
            platform: optional(&config.platform).unwrap_or_else(platform),
            proxy: setting("LICSDK_PROXY", &files, |f| &f.proxy, &config.proxy),
            warnings,
        })
    }
}

/// Products must not share a folder, whatever their ids look like.
fn folder_name(product: &str) -> String {
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    product.trim().chars().map(|c| if safe(c) { c } else { '_' }).collect()
}

/// Reads one `licsdk.toml`; a broken one is told of and stops nothing.
fn read(path: &Path, warnings: &mut Vec<String>) -> Option<Administered> {
    let size = fs::metadata(path).ok()?.len();
    let mut warn = |what: &dyn fmt::Display| {
        warnings.push(format!("CONFIG_INVALID: {}: {what}", path.display()));
    };
    if size > FILE_LIMIT {
        warn(&"too large, ignored");
        return None;
    }
    let bytes = fs::read(path).ok()?;
    // Editors on Windows put a mark in front.
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes));
    match toml::from_str::<Administered>(&text) {
        Ok(file) => {
            for name in file.unknown.keys() {
                warn(&format_args!("`{name}` cannot be set here, ignored"));
            }
            Some(file)
        }
        Err(error) => {
            warn(&format_args!("ignored: {}", error.message()));
            None
        }
    }
}

#[cfg(test)]
mod tests;
