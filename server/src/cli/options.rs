//! What the subcommands share: the options that name configuration, folder and database, the
//! runtime, and the progress of long work.

use std::path::PathBuf;

use crate::config::{Config, Loaded, Problems, Sources};
use crate::output;
use crate::store::Store;

/// What every subcommand takes.
#[derive(clap::Args, Clone, Debug, Default)]
pub(super) struct CommonOptions {
    /// Configuration file (TOML); none is read when it is left out
    #[arg(long, value_name = "FILE", env = "LICD_CONFIG")]
    config: Option<PathBuf>,
    /// Where database, keys and tokens are kept [default: ./licd-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Which database [default: sqlite]; an address with a password belongs into a file instead
    #[arg(long, value_name = "sqlite|postgres://…")]
    database: Option<String>,
}

impl CommonOptions {
    /// Reads the configuration; `arguments` are further options by the path of their key.
    pub(super) fn load(
        &self,
        arguments: Vec<(&'static str, Option<String>)>,
    ) -> Result<Loaded, Problems> {
        let data_dir = self.data_dir.as_ref().map(|path| path.display().to_string());
        let mut all = vec![("data_dir", data_dir), ("database", self.database.clone())];
        all.extend(arguments);
        Config::load(&Sources {
            file: self.config.clone(),
            variables: std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
            arguments: all.into_iter().filter_map(|(path, text)| Some((path, text?))).collect(),
            check_database: Some(Store::check_url),
        })
    }
}

/// Shows how many rows are done, now and then.
pub(super) fn show_rows(word: &'static str) -> impl FnMut(u64) + Send {
    move |rows| {
        if rows.is_multiple_of(1000) {
            output::progress(&format!("{word}: {rows} rows"));
        }
    }
}

/// The runtime of subcommands that wait for the database or the network.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    use anyhow::Context as _;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the operating system gives no threads or timers; look at the limits of this user")
}
