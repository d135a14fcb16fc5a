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
const PACKAGES: [&[&str]; 11] = [
    &["license-core"],
    &["license-core", "--all-features"],
    &["koogallery"],
    &["koogallery-sim"],
    &["licd"],
    &["license-client"],
    &["licctl"],
    &["license-ffi"],
    &["license-vectors"],
    &["license-bench"],
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
        if let Err(error) = prepare(root) {
            return Ok(run::nothing(&error));
        }
        let mut steps = lint::steps(root);
        steps.extend(builds(root));
        steps.extend(PACKAGES.iter().map(|selection| package(root, selection, self.long)));
        steps.push(together(root, self.long));
        steps.extend(cpp(root));
        steps.push(demo(root)?);
        run::all(root, steps, if self.long { LONG_LIMIT } else { LIMIT })
    }
}

fn prepare(root: &Path) -> Result<()> {
    system::ensure(&[
        system::COMPILER,
        system::CMAKE,
        system::JSON,
        system::PKG_CONFIG,
        system::PYTHON,
        system::POSTGRES,
        system::GIT,
    ])?;
    system::ensure_rust_components(root)
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

/// The C++ package as a customer gets it: built, installed into a folder, and tested by a project
/// that knows `find_package` and nothing else.
fn cpp(root: &Path) -> Vec<Step> {
    let (sdk, tests) = ("target/xtask/cpp", "target/xtask/cpp-tests");
    let prefix = root.join("target/xtask/prefix").display().to_string();
    let found = format!("-DCMAKE_PREFIX_PATH={prefix}");
    let built = format!("-DLICSDK_BUILD_DIR={}", root.join(sdk).display());
    // cargo's dev profile, which the Rust tests have built already.
    let debug = "-DCMAKE_BUILD_TYPE=Debug";
    let cmake = |name: &str, args: &[&str]| {
        Step::new(format!("C++: {name}"), Work::One(command(root, "cmake", args)))
    };
    let ctest = ["--test-dir", tests, "--output-on-failure", "--no-tests=error"];
    vec![
        cmake("configure", &["-S", "ffi", "-B", sdk, debug]),
        cmake("build", &["--build", sdk, "--parallel", "2"]).after(&["C++: configure"]),
        cmake("install", &["--install", sdk, "--prefix", &prefix]).after(&["C++: build"]),
        cmake("configure tests", &["-S", "ffi/tests", "-B", tests, debug, &found, &built])
            .after(&["C++: install"]),
        cmake("build tests", &["--build", tests, "--parallel", "2"])
            .after(&["C++: configure tests"]),
        Step::new("C++: ctest", Work::Ctest(command(root, "ctest", &ctest)))
            .after(&["C++: build tests"]),
    ]
}

/// The README's first command, as a stranger runs it.
fn demo(root: &Path) -> Result<Step> {
    let mut demo = command(root, std::env::current_exe()?, &["demo"]);
    demo.env("NO_COLOR", "1");
    Ok(Step::new("the demo", Work::One(demo)).after(&["build licd", "build licctl"]))
}
