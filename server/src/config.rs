//! The configuration: what can be set, where it may come from, and what is refused.

mod alerts;
mod checks;
mod database;
mod keys;
mod layers;
mod login;
mod reader;
mod secret;
mod show;

use std::net::SocketAddr;
use std::path::PathBuf;

use koogallery::Edition;

use crate::net::Network;
pub(crate) use alerts::Alerts;
pub(crate) use database::{Database, DatabaseCheck};
use layers::Layers;
pub(crate) use login::Login;
pub(crate) use reader::Problems;
use reader::Reader;
pub(crate) use secret::Secret;

/// Everything `licd` is told before it starts.
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
    /// What the marketplace and we know of each other.
    pub(crate) koogallery: Koogallery,
    /// To whom alerts are told.
    pub(crate) alerts: Alerts,
    /// Logins of buyers.
    pub(crate) login: Login,
    /// How long things are kept that are of no use any more.
    pub(crate) retention: Retention,
}

/// `[http]`
#[derive(Clone, Debug)]
pub(crate) struct Http {
    /// Marketplace, clients, health.
    pub(crate) listen: SocketAddr,
    /// Admin API and metrics; `None` turns them off.
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Certificate and key, where TLS ends here.
    pub(crate) tls: Option<Tls>,
    /// Whose `X-Forwarded-For` counts.
    pub(crate) trusted_proxies: Vec<Network>,
}

/// PEM files of the certificate chain and of its key.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// The chain, leaf first.
    pub(crate) cert: PathBuf,
    /// The private key.
    pub(crate) key: PathBuf,
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

/// Something that works but is probably not meant.
pub(crate) struct Warning {
    /// The key it is about; empty where it is about a file.
    pub(crate) key: &'static str,
    /// What will happen, and what to do.
    pub(crate) text: String,
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
        let warnings = checks::warnings(&config, sources.file.as_deref());
        Ok(Loaded { config, warnings, effective: show::effective(&layers) })
    }

    fn read(reader: &mut Reader<'_>, check_database: Option<DatabaseCheck>) -> Self {
        let config = Self {
            data_dir: checks::data_dir(reader),
            database: Database::read(reader, check_database),
            issuer: checks::issuer(reader),
            http: Http {
                listen: checks::address(reader, "http.listen").unwrap_or(checks::NOWHERE),
                admin_listen: match reader.path("http.admin_listen") {
                    Some(_) => checks::address(reader, "http.admin_listen"),
                    None => None,
                },
                tls: checks::tls(reader),
                trusted_proxies: checks::networks(reader, "http.trusted_proxies"),
            },
            keys: Keys {
                issuing: checks::file(reader, "keys.issuing"),
                release: checks::file(reader, "keys.release"),
                passphrase_file: checks::file(reader, "keys.passphrase_file"),
            },
            koogallery: Koogallery {
                base_urls: checks::base_urls(reader),
                access_key: checks::access_keys(reader, "koogallery.access_key"),
                license_code_access_key: checks::access_keys(
                    reader,
                    "koogallery.license_code_access_key",
                ),
                kit_access_key: checks::access_keys(reader, "koogallery.kit_access_key"),
                kit_keys: checks::files(reader, "koogallery.kit_key"),
                kit_key_passphrase_file: checks::file(reader, "koogallery.kit_key_passphrase_file"),
                general_access_key: checks::access_keys(reader, "koogallery.general_access_key"),
                ak: reader.secret("koogallery.ak"),
                sk: reader.secret("koogallery.sk"),
                ca_file: checks::file(reader, "koogallery.ca_file"),
                clock_skew_seconds: checks::clock_skew(reader),
                usage_edition: alerts::usage_edition(reader),
                license_code_prefix: reader.texts("koogallery.license_code_prefix"),
                license_code_edition: checks::license_code_edition(reader),
                synchronous: reader.flag("koogallery.synchronous"),
            },
            alerts: Alerts::read(reader),
            login: Login::read(reader),
            retention: Retention {
                audit_days: checks::days(reader, "retention.audit_days"),
                finished_uploads_days: checks::days(reader, "retention.finished_uploads_days"),
                orders_days: checks::days(reader, "retention.orders_days"),
                upload_files_days: checks::days(reader, "retention.upload_files_days"),
            },
        };
        checks::listeners_differ(reader, &config.http);
        checks::keys_differ(reader, &config.koogallery);
        checks::credentials(reader, &config.koogallery);
        config
    }
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
