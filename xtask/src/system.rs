//! What the machine must have, and how it gets there: apt-get on Debian, elsewhere a list of what
//! to install.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::process::{cargo, succeeds, works};
use crate::terminal;

/// Something that is not ours and that a command needs.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    present: fn() -> bool,
    /// The packages that bring it on Debian.
    debian: &'static [&'static str],
    /// What to tell people elsewhere.
    elsewhere: &'static str,
}

pub(crate) const COMPILER: Need = Need {
    present: || compiles("") && works("make", &["--version"]),
    debian: &["build-essential", "binutils"],
    elsewhere: "a C++17 compiler that is found as `c++` (GCC 9, Clang 10 or newer), and make",
};
pub(crate) const CMAKE: Need = Need {
    present: || works("cmake", &["--version"]) && works("ctest", &["--version"]),
    debian: &["cmake", "make"],
    elsewhere: "CMake 3.20 or newer, with ctest and a build tool (make or ninja)",
};
pub(crate) const JSON: Need = Need {
    present: || compiles("#include <nlohmann/json.hpp>\n"),
    debian: &["nlohmann-json3-dev"],
    elsewhere: "nlohmann/json (the header nlohmann/json.hpp), for the C++ tests",
};
pub(crate) const PKG_CONFIG: Need = Need {
    present: || works("pkg-config", &["--version"]),
    debian: &["pkg-config"],
    elsewhere: "pkg-config, for the C++ tests",
};
pub(crate) const PYTHON: Need = Need {
    present: || works("python3", &["-c", "import ensurepip, venv"]),
    debian: &["python3", "python3-venv"],
    elsewhere: "Python 3.9 or newer with venv, for the check against PyJWT",
};
pub(crate) const POSTGRES: Need = Need {
    present: has_postgres,
    debian: &["postgresql"],
    elsewhere: "PostgreSQL 15 or newer: its server programs (initdb, pg_ctl, postgres, createdb) in \
                PATH; LICD_TEST_POSTGRES=skip leaves the tests on it out",
};
pub(crate) const GIT: Need =
    Need { present: || works("git", &["--version"]), debian: &["git"], elsewhere: "git" };

/// Installs what is missing, where that is possible; otherwise says exactly what to install.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    let missing = || needs.iter().filter(|need| !(need.present)()).collect::<Vec<_>>();
    let lacking = missing();
    if lacking.is_empty() {
        return Ok(());
    }

    if let Some(apt) = Apt::found() {
        let packages: Vec<_> = lacking.iter().flat_map(|need| need.debian).copied().collect();
        terminal::say(&format!("Installing what is missing: {}", packages.join(" ")));
        apt.install(&packages);
    }
    let lacking = missing();
    if lacking.is_empty() {
        return Ok(());
    }
    let mut text = "this machine lacks, and it could not be installed from here:".to_owned();
    for need in &lacking {
        text.push_str("\n  - ");
        text.push_str(need.elsewhere);
    }
    if is_debian() {
        let packages: Vec<_> = lacking.iter().flat_map(|need| need.debian).copied().collect();
        text.push_str("\nAs root: apt-get install ");
        text.push_str(&packages.join(" "));
    }
    bail!(text)
}

/// Adds the toolchain's formatter and linter where rustup can.
pub(crate) fn ensure_rust_components(root: &Path) -> Result<()> {
    let present =
        || ["fmt", "clippy"].iter().all(|tool| succeeds(&mut cargo(root, &[tool, "--version"])));
    if present() {
        return Ok(());
    }
    if works("rustup", &["component", "add", "rustfmt", "clippy"]) && present() {
        return Ok(());
    }
    bail!("rustfmt and clippy are missing: `rustup component add rustfmt clippy`")
}

/// A way to call apt-get without being asked for a password.
struct Apt {
    sudo: bool,
}

impl Apt {
    fn found() -> Option<Self> {
        if !is_debian() || !works("apt-get", &["--version"]) {
            return None;
        }
        let root = Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
        (root || works("sudo", &["-n", "true"])).then_some(Self { sudo: !root })
    }

    /// Its failures show in what is still missing afterwards.
    fn install(&self, packages: &[&str]) {
        self.run(&["update", "--quiet"]);
        let mut args = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
        args.extend(packages);
        self.run(&args);
    }

    fn run(&self, args: &[&str]) {
        let mut command = if self.sudo {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
            sudo
        } else {
            let mut apt = Command::new("apt-get");
            apt.env("DEBIAN_FRONTEND", "noninteractive");
            apt
        };
        match command.args(args).stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => terminal::say(String::from_utf8_lossy(&output.stderr).trim_end()),
            Err(error) => terminal::say(&format!("apt-get: {error}")),
        }
    }
}

/// Debian keeps the server programs out of PATH.
fn has_postgres() -> bool {
    if std::env::var("LICD_TEST_POSTGRES").is_ok_and(|word| word == "skip") {
        return true;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = std::env::split_paths(&path);
    folders.chain(packaged.map(|entry| entry.path().join("bin"))).any(|folder| {
        ["initdb", "pg_ctl", "postgres", "createdb"].iter().all(|name| folder.join(name).exists())
    })
}

fn is_debian() -> bool {
    fs::read_to_string("/etc/os-release").is_ok_and(|text| {
        text.lines()
            .filter(|line| line.starts_with("ID=") || line.starts_with("ID_LIKE="))
            .any(|line| line.contains("debian"))
    })
}

/// Whether the compiler accepts this source; the preprocessor alone would not show a missing
/// standard library.
fn compiles(source: &str) -> bool {
    let source = format!("#include <string>\n{source}int main() {{ return 0; }}\n");
    let child = Command::new("c++")
        .args(["-std=c++17", "-fsyntax-only", "-x", "c++", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let written =
        child.stdin.take().is_some_and(|mut stdin| stdin.write_all(source.as_bytes()).is_ok());
    child.wait().is_ok_and(|status| status.success()) && written
}
