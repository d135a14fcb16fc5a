//! `cargo xtask test`: lint, every build, every test. Nothing that CI runs is anywhere else.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::lint;
use crate::process::{cargo, command};
use crate::run::{self, Step, Work};
use crate::system;

/// What a clean clone on two cores may take; `--long` may take a night.
const LIMIT: Duration = Duration::from_mins(40);
const LONG_LIMIT: Duration = Duration::from_hours(12);

/// Each package by itself; license-core also with everything that can be turned on.
const PACKAGES: [&[&str]; 8] = [
    &["license-core"],
    &["license-core", "--all-features"],
    &["koogallery"],
    &["licd"],
    &["license-client"],
    &["licctl"],
    &["license-ffi"],
    &["xtask"],
];

/// Lint and every test.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also what takes hours: hundreds of crashes under load, twenty thousand cases a property
    #[arg(long)]
    long: bool,
}

impl Args {
    pub(crate) fn run(self, root: &Path) -> Result<bool> {
        system::ensure(&[
            system::COMPILER,
            system::CMAKE,
            system::JSON,
            system::PKG_CONFIG,
            system::PYTHON,
            system::GIT,
        ])?;
        system::ensure_rust_components(root)?;

        let mut steps = lint::steps(root);
        steps.extend(builds(root));
        steps.extend(PACKAGES.iter().map(|selection| package(root, selection, self.long)));
        steps.push(together(root, self.long));
        steps.extend(cpp(root));
        steps.push(demo(root)?);
        run::all(root, steps, if self.long { LONG_LIMIT } else { LIMIT })
    }
}

fn builds(root: &Path) -> Vec<Step> {
    ["licd", "licctl"]
        .map(|name| {
            let build = cargo(root, &["build", "--quiet", "--package", name]);
            Step::new(format!("build {name}"), Work::One(build))
        })
        .into()
}

fn package(root: &Path, selection: &[&str], long: bool) -> Step {
    let mut test = cargo(root, &["test", "--quiet", "--no-fail-fast", "--package"]);
    test.args(selection);
    if long {
        test.env("PROPTEST_CASES", "20000");
    }
    Step::new(format!("test {}", selection.join(" ")), Work::CargoTest(test))
}

/// The programs together, through their real listeners.
fn together(root: &Path, long: bool) -> Step {
    let mut test = cargo(root, &["test", "--no-fail-fast", "--package", "license-tests"]);
    let programs = root.join("target/debug");
    test.env("LICD_BIN", programs.join("licd")).env("LICCTL_BIN", programs.join("licctl"));
    if long {
        test.env("LICENSE_TESTS_LONG", "1").env("PROPTEST_CASES", "20000");
    }
    Step::new("test license-tests", Work::CargoTest(test)).after(&["build licd", "build licctl"])
}

/// The C++ package as a customer gets it: configured, built, installed, then tested.
fn cpp(root: &Path) -> Vec<Step> {
    let build = "target/xtask/cpp";
    let prefix = root.join("target/xtask/prefix");
    let configure = command(root, "cmake", &["-S", "ffi", "-B", build]);
    let compile = command(root, "cmake", &["--build", build, "--parallel", "2"]);
    let mut install = command(root, "cmake", &["--install", build, "--prefix"]);
    install.arg(&prefix);
    let mut ctest =
        command(root, "ctest", &["--test-dir", build, "--output-on-failure", "--no-tests=error"]);
    ctest.env("LICSDK_PREFIX", &prefix);
    vec![
        Step::new("C++: configure", Work::One(configure)),
        Step::new("C++: build", Work::One(compile)).after(&["C++: configure"]),
        Step::new("C++: install", Work::One(install)).after(&["C++: build"]),
        Step::new("C++: ctest", Work::Ctest(ctest)).after(&["C++: build", "C++: install"]),
    ]
}

/// The README's first command, as a stranger runs it.
fn demo(root: &Path) -> Result<Step> {
    let mut demo = command(root, std::env::current_exe()?, &["demo"]);
    demo.env("NO_COLOR", "1");
    Ok(Step::new("the demo", Work::One(demo)).after(&["build licd", "build licctl"]))
}
