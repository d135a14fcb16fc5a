//! `licctl market` as its users run it: the binary, over real connections.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod buy;
mod debug;
mod fake;
mod scenario;
mod serve;

use std::process::{Command, Output};

use serde_json::Value;

/// `licctl` with nothing of the caller's environment in its way.
fn licctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_licctl"));
    command.args(arguments).env("LC_ALL", "C");
    for name in ["LICCTL_AK", "LICCTL_SK", "LICCTL_ACCESS_KEY"] {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = licctl(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
