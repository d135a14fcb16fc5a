//! Child processes: started in groups of their own, so that none of them or of their children
//! outlives this program, however it ends.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::terminal;

/// What must be gone when this program ends: the groups still running, the folders still there.
static LEFTOVERS: Mutex<Leftovers> =
    Mutex::new(Leftovers { groups: Vec::new(), folders: Vec::new() });

struct Leftovers {
    groups: Vec<u32>,
    folders: Vec<PathBuf>,
}

fn leftovers<T>(change: impl FnOnce(&mut Leftovers) -> T) -> T {
    change(&mut LEFTOVERS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Ends every child and removes every temporary folder when Ctrl-C or a SIGTERM arrives.
pub(crate) fn clean_up_when_stopped() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        terminal::complain("told to stop: ending what was started");
        leftovers(|left| {
            end_groups(&std::mem::take(&mut left.groups));
            for folder in left.folders.drain(..) {
                let _ = fs::remove_dir_all(folder);
            }
        });
        std::process::exit(130);
    })
}

/// A temporary folder that is gone afterwards, on Ctrl-C too.
pub(crate) struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    pub(crate) fn new(prefix: &str, keep: bool) -> Result<Self> {
        let path = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .context("making a temporary folder")?
            .keep();
        if !keep {
            leftovers(|left| left.folders.push(path.clone()));
        }
        Ok(Self { path, keep })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_dir_all(&self.path);
            leftovers(|left| left.folders.retain(|folder| *folder != self.path));
        }
    }
}

/// Whether the program is there and starts.
pub(crate) fn works(program: &str, args: &[&str]) -> bool {
    succeeds(Command::new(program).args(args))
}

/// Whether the command ends well, whatever it prints.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A command that runs from the repository's folder, its output going into a file.
pub(crate) fn command<S: AsRef<OsStr>>(root: &Path, program: S, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root).stdin(Stdio::null());
    command
}

/// The cargo that started us, or the one on the path.
pub(crate) fn cargo(root: &Path, args: &[&str]) -> Command {
    let mut cargo = command(root, std::env::var_os("CARGO").unwrap_or("cargo".into()), args);
    // Set by cargo for us; a build of ours would take them for its own package's.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_")) {
            cargo.env_remove(name);
        }
    }
    cargo.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_MANIFEST_PATH");
    cargo
}

/// A running child, ended with all of its own children when dropped.
pub(crate) struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts the command in a group of its own.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        leftovers(|left| left.groups.push(child.id()));
        Ok(Self { child, name })
    }

    /// Starts a program that goes on running and writes to `log`; gives the first line for which
    /// `find` has an answer.
    pub(crate) fn serve<T>(
        command: &mut Command,
        log: &Path,
        patience: Duration,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<(Self, T)> {
        let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        command.stdout(file.try_clone()?).stderr(file);
        let mut running = Self::start(command)?;

        let until = Instant::now() + patience;
        loop {
            let ended = running.child.try_wait()?;
            let reader = BufReader::new(File::open(log)?);
            if let Some(found) = reader.lines().map_while(Result::ok).find_map(|line| find(&line)) {
                return Ok((running, found));
            }
            if let Some(status) = ended {
                bail!("{} ended with {status}\n{}", running.name, tail(log, 30));
            }
            if Instant::now() > until {
                bail!("{} did not get ready in time\n{}", running.name, tail(log, 30));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end, `None` when it had to be ended because it took too long.
    pub(crate) fn wait(mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() > until {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks the program to stop as a service manager would, and says whether it did in time.
    pub(crate) fn stop(mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        signal("-TERM", self.child.id());
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(None)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let id = self.child.id();
        leftovers(|left| left.groups.retain(|group| *group != id));
        if !matches!(self.child.try_wait(), Ok(Some(_))) && signal("-TERM", id) {
            let until = Instant::now() + Duration::from_secs(3);
            while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
                thread::sleep(Duration::from_millis(20));
            }
        }
        // What the child itself started and did not end.
        signal("-KILL", id);
        let _ = self.child.wait();
    }
}

/// Ends groups whose leaders somebody else waits for: a moment to stop by themselves, then for good.
fn end_groups(groups: &[u32]) {
    for group in groups {
        signal("-TERM", *group);
    }
    let until = Instant::now() + Duration::from_secs(2);
    while Instant::now() < until && groups.iter().any(|group| signal("-0", *group)) {
        thread::sleep(Duration::from_millis(30));
    }
    for group in groups {
        signal("-KILL", *group);
    }
}

/// Sends a signal to a group; `false` where there is none (any more).
fn signal(signal: &str, group: u32) -> bool {
    if cfg!(unix) {
        works("kill", &[signal, "--", &format!("-{group}")])
    } else {
        works("taskkill", &["/F", "/T", "/PID", &group.to_string()])
    }
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path, lines: usize) -> String {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
