//! `cargo xtask lint`: what must hold before any test is worth running.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::layers;
use crate::process::{cargo, succeeds};
use crate::run::{self, Step, Work};
use crate::sources;
use crate::system;

/// Each package by itself, with the feature sets that are built: one build of all would unify
/// features that must stay apart.
const CLIPPY: [&[&str]; 12] = [
    &["license-core"],
    &["license-core", "--all-features"],
    &["koogallery"],
    &["koogallery-sim"],
    &["licd"],
    &["license-client"],
    &["licctl"],
    &["license-ffi"],
    &["license-vectors"],
    &["license-tests"],
    &["license-bench"],
    &["xtask"],
];

const CARGO_DENY: &str = "cargo-deny is here";

/// Runs the lint alone.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let prepared = system::ensure(&[system::COMPILER, system::GIT])
        .and_then(|()| system::ensure_rust_components(root));
    if let Err(error) = prepared {
        return Ok(run::nothing(&error));
    }
    run::all(root, steps(root), Duration::from_mins(40))
}

/// The lint's steps.
pub(crate) fn steps(root: &Path) -> Vec<Step> {
    let mut steps = vec![
        Step::new("format", Work::One(cargo(root, &["fmt", "--all", "--check"]))),
        Step::new("arrows point down", Work::Look(layers::arrows_point_down)),
        Step::new("no path of a machine", Work::Look(sources::no_path_of_a_machine)),
        Step::new("no ignored test", Work::Look(sources::no_ignored_test)),
        Step::new("no file over 600 lines", Work::Look(sources::no_long_file)),
        Step::new("no rsa in licd", Work::Look(sources::no_rsa_in_the_server)),
        Step::new("no issuer in the SDK", Work::Look(sources::no_issuer_in_the_sdk)),
    ];

    if !succeeds(&mut cargo(root, &["deny", "--version"])) {
        let install = cargo(root, &["install", "cargo-deny", "--locked", "--version", "0.20.2"]);
        steps.push(Step::new(CARGO_DENY, Work::One(install)));
    }
    let checks = ["deny", "check", "licenses", "bans", "sources"];
    let deny = Step::new("licenses, bans, sources", Work::One(cargo(root, &checks)));
    steps.push(deny.after(&[CARGO_DENY]));

    for selection in CLIPPY {
        let mut command = cargo(root, &["clippy", "--quiet", "--all-targets", "--package"]);
        command.args(selection).args(["--", "--deny", "warnings"]);
        steps.push(Step::new(format!("clippy {}", selection.join(" ")), Work::One(command)));
    }
    steps
}
