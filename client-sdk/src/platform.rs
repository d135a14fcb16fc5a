//! The platform: environment, clock, randomness, folders and hardware of the process, injected so
//! that tests supply their own.

use std::{env, path::PathBuf, sync::Arc, time::Instant};

use license_core::Timestamp;

use crate::machine::Machine;

/// The name of our folders below the platform's.
const FOLDER: &str = "licsdk";

type Variable = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The surroundings of one [`crate::Sdk`], cheap to clone.
#[derive(Clone)]
pub(crate) struct Platform {
    /// Reads an environment variable.
    pub(crate) env: Arc<Variable>,
    /// Where a `licsdk.toml` may lie, the first that sets a key wins.
    pub(crate) config_files: Vec<PathBuf>,
    /// Where state is kept when no folder is configured.
    pub(crate) state_home: Option<PathBuf>,
    /// Where the clock floor is kept for the second time.
    pub(crate) floor_home: Option<PathBuf>,
    /// The wall clock.
    pub(crate) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Seconds on a monotonic clock.
    pub(crate) running: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Unguessable bytes, or nothing when the system has none.
    pub(crate) nonce: Arc<dyn Fn() -> Option<[u8; 24]> + Send + Sync>,
    /// This machine's device text.
    pub(crate) machine: Arc<dyn Fn() -> String + Send + Sync>,
}

impl Platform {
    /// The process as it is.
    pub(crate) fn real() -> Self {
        let started = Instant::now();
        Self {
            env: Arc::new(|name| env::var(name).ok()),
            config_files: config_files(),
            state_home: state_home().map(|home| home.join(FOLDER)),
            floor_home: floor_home().map(|home| home.join(FOLDER)),
            now: Arc::new(wall_clock),
            running: Arc::new(move || {
                i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX)
            }),
            nonce: Arc::new(random),
            machine: Arc::new(|| Machine::local().text.clone()),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a library has no main: this is its one reading of the clock, replaced in tests"
)]
pub(crate) fn wall_clock() -> Timestamp {
    let secs = match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    Timestamp::from_secs(secs)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a library has no main: this is its one source of randomness, replaced in tests"
)]
fn random() -> Option<[u8; 24]> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).ok().map(|()| bytes)
}

/// An absolute folder that an environment variable names.
fn folder(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn below_home(path: &str) -> Option<PathBuf> {
    folder(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).map(|home| home.join(path))
}

fn state_home() -> Option<PathBuf> {
    if cfg!(windows) {
        folder("LOCALAPPDATA").or_else(|| below_home("AppData\\Local"))
    } else if cfg!(target_os = "macos") {
        below_home("Library/Application Support")
    } else {
        folder("XDG_STATE_HOME").or_else(|| below_home(".local/state"))
    }
}

/// Another folder than [`state_home`]: deleting one leaves the other.
fn floor_home() -> Option<PathBuf> {
    if cfg!(windows) {
        folder("APPDATA").or_else(|| below_home("AppData\\Roaming"))
    } else if cfg!(target_os = "macos") {
        below_home("Library/Preferences")
    } else {
        folder("XDG_DATA_HOME").or_else(|| below_home(".local/share"))
    }
}

/// Beside the program, then the user's, then the machine's.
fn config_files() -> Vec<PathBuf> {
    let beside = env::current_exe().ok().and_then(|exe| exe.parent().map(PathBuf::from));
    let user = if cfg!(windows) {
        folder("APPDATA").map(|home| home.join(FOLDER))
    } else if cfg!(target_os = "macos") {
        below_home("Library/Application Support").map(|home| home.join(FOLDER))
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| below_home(".config")).map(|home| home.join(FOLDER))
    };
    let machine = if cfg!(windows) {
        folder("ProgramData").map(|home| home.join(FOLDER))
    } else if cfg!(target_os = "macos") {
        Some(PathBuf::from("/Library/Application Support").join(FOLDER))
    } else {
        Some(PathBuf::from("/etc").join(FOLDER))
    };
    [beside, user, machine].into_iter().flatten().map(|dir| dir.join("licsdk.toml")).collect()
}
