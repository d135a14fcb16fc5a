//! The programs under test: where they are, how they run and how they end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// `licd`: the file that `LICD_BIN` names, otherwise built now.
#[must_use]
pub fn licd() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| find("LICD_BIN", "licd"))
}

/// `licctl`: the file that `LICCTL_BIN` names, otherwise built now.
#[must_use]
pub fn licctl() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| find("LICCTL_BIN", "licctl"))
}

fn find(variable: &str, name: &str) -> PathBuf {
    let path = if let Some(given) = std::env::var_os(variable) {
        PathBuf::from(given)
    } else {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the root");
        let built = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
            .args(["build", "--quiet", "--package", name])
            .current_dir(root)
            .status()
            .expect("cargo starts");
        assert!(built.success(), "{name} does not build, and {variable} names no other one");
        root.join("target/debug").join(name)
    };
    assert!(path.is_file(), "{name} is not at {}; set {variable}", path.display());
    path
}

/// A command that sees of this machine's environment only what every program needs.
#[must_use]
pub fn command(program: &Path, variables: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(variables).stdin(Stdio::null());
    for name in ["PATH", "HOME", "TMPDIR", "SystemRoot", "RUST_BACKTRACE", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs the command to its end.
///
/// # Panics
///
/// When it does not end in time: a program that hangs must not hang the suite.
#[must_use]
pub fn run(command: &mut Command, within: Duration) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let mut running = Running(command.spawn().expect("the program starts"));
    let status = running.wait(within);
    let (stdout, stderr) = (fs::read(&out).unwrap(), fs::read(&err).unwrap());
    let status = status.unwrap_or_else(|| {
        panic!(
            "{command:?} did not end within {within:?}\n{}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        )
    });
    Output { status, stdout, stderr }
}

/// A child that is killed when dropped, so that a failed test leaves nothing running.
#[derive(Debug)]
pub struct Running(pub Child);

impl Running {
    /// Waits for its end; `None` when it still runs after that time.
    pub fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.0.try_wait().expect("a child of ours can be waited for") {
                return Some(status);
            }
            if Instant::now() > until {
                return None;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it at once, as a power cut would: no signal that it could answer to.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Asks it to stop, as a service manager would.
    ///
    /// # Panics
    ///
    /// When it does not stop in time.
    pub fn stop(&mut self, within: Duration) -> ExitStatus {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("kill starts");
        assert!(sent.success(), "no process {id}");
        self.wait(within).unwrap_or_else(|| panic!("did not stop within {within:?}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
