//! The configuration: what can be set, where it may come from, and what is refused.

mod alerts;
mod database;
mod http;
mod keys;
mod layers;
mod login;
mod marketplace;
mod reader;
mod secret;
mod show;
mod values;
mod warnings;

use std::path::PathBuf;

pub(crate) use alerts::Alerts;
pub(crate) use database::{Database, DatabaseCheck};
pub(crate) use http::Http;
#[cfg(test)]
pub(crate) use http::Tls;
use layers::Layers;
pub(crate) use login::Login;
pub(crate) use marketplace::Koogallery;
pub(crate) use reader::Problems;
use reader::Reader;
pub(crate) use secret::Secret;
pub(crate) use warnings::Warning;

/// Every setting of `licd`.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where keys, tokens and SQLite's file are kept.
    pub(crate) data_dir: PathBuf,
    /// SQLite in the data folder, or PostgreSQL.
    pub(crate) database: Database,
    /// The `iss` of what is signed.
    pub(crate) issuer: String,
    /// The two listeners.
    pub(crate) http: Http,
    /// Key files; those that are not named are made in the data folder.
    pub(crate) keys: Keys,
    /// Addresses and keys of the marketplace.
    pub(crate) koogallery: Koogallery,
    /// Receivers of alerts.
    pub(crate) alerts: Alerts,
    /// Logins of buyers.
    pub(crate) login: Login,
    /// How long finished rows are kept.
    pub(crate) retention: Retention,
}

/// `[keys]`
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    /// Signs licenses, leases, receipts, revocations.
    pub(crate) issuing: Option<PathBuf>,
    /// Signs release lists only.
    pub(crate) release: Option<PathBuf>,
    /// Opens both, where they are encrypted.
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// `[retention]`: days, 0 for ever.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "as the configuration calls them")]
pub(crate) struct Retention {
    /// Links of the audit chains.
    pub(crate) audit_days: u32,
    /// Uploads that were delivered or called off.
    pub(crate) finished_uploads_days: u32,
    /// Orders of released instances.
    pub(crate) orders_days: u32,
    /// The bytes of the former; the licenses are kept.
    pub(crate) upload_files_days: u32,
}

/// Where to look for values besides the defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// A TOML file.
    pub(crate) file: Option<PathBuf>,
    /// Environment variables; only `LICD_…` are looked at.
    pub(crate) variables: Vec<(String, String)>,
    /// Arguments of the command line, by the path of their key.
    pub(crate) arguments: Vec<(&'static str, String)>,
    /// Reads the address of a database as its driver does.
    pub(crate) check_database: Option<DatabaseCheck>,
}

/// A configuration together with what can be said about it.
pub(crate) struct Loaded {
    /// The configuration itself.
    pub(crate) config: Config,
    /// What works but is probably not meant.
    pub(crate) warnings: Vec<Warning>,
    /// The effective configuration as TOML, without its secrets.
    pub(crate) effective: String,
}

impl Config {
    /// Reads all sources. Says everything that is wrong at once.
    pub(crate) fn load(sources: &Sources) -> Result<Loaded, Problems> {
        let mut layers = Layers::defaults();
        if let Some(path) = &sources.file {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| {
                Problems::one(format!(
                    "{name}: the configuration file cannot be read ({error}); \
                     name a file that licd may read, or leave --config out"
                ))
            })?;
            layers = layers.file(&name, &text).map_err(|error| {
                Problems::one(format!("{name}: this is not TOML; {}", error.kind))
            })?;
        }
        let layers = layers.variables(sources.variables.clone()).arguments(&sources.arguments);

        let mut reader = Reader::new(&layers);
        let config = Self::read(&mut reader, sources.check_database);
        reader.finish()?;
        let warnings =
            warnings::warnings(&config.http, &config.koogallery, sources.file.as_deref());
        Ok(Loaded { config, warnings, effective: show::effective(&layers) })
    }

    fn read(reader: &mut Reader<'_>, check_database: Option<DatabaseCheck>) -> Self {
        let config = Self {
            data_dir: data_dir(reader),
            database: Database::read(reader, check_database),
            issuer: issuer(reader),
            http: Http::read(reader),
            keys: Keys {
                issuing: values::file(reader, "keys.issuing"),
                release: values::file(reader, "keys.release"),
                passphrase_file: values::file(reader, "keys.passphrase_file"),
            },
            koogallery: Koogallery::read(reader),
            alerts: Alerts::read(reader),
            login: Login::read(reader),
            retention: Retention {
                audit_days: values::days(reader, "retention.audit_days"),
                finished_uploads_days: values::days(reader, "retention.finished_uploads_days"),
                orders_days: values::days(reader, "retention.orders_days"),
                upload_files_days: values::days(reader, "retention.upload_files_days"),
            },
        };
        // After every section, so that the problems are listed in the order of the keys.
        config.http.check(reader);
        config.koogallery.check(reader);
        config
    }
}

fn data_dir(reader: &mut Reader<'_>) -> PathBuf {
    reader.path("data_dir").unwrap_or_else(|| {
        reader.problem("data_dir", "it is empty", "write data_dir = \"./licd-data\"");
        PathBuf::new()
    })
}

fn issuer(reader: &mut Reader<'_>) -> String {
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

#[cfg(test)]
impl Config {
    /// Both listeners on free ports of loopback, no marketplace.
    pub(crate) fn for_tests(data_dir: &std::path::Path) -> Self {
        let sources = Sources {
            arguments: vec![
                ("data_dir", data_dir.display().to_string()),
                ("http.listen", "127.0.0.1:0".to_owned()),
                ("http.admin_listen", "127.0.0.1:0".to_owned()),
                ("koogallery.base_url", "http://127.0.0.1:9".to_owned()),
            ],
            ..Sources::default()
        };
        Self::load(&sources).unwrap().config
    }
}

#[cfg(test)]
mod tests;
