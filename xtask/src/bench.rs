//! `cargo xtask bench`: builds the server and the program that measures it, and runs that.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::demo::shop::{build, target_dir};
use crate::process::{Folder, Running, cargo, command};
use crate::system;
use crate::terminal;

/// Millions of licenses take their time.
const LIMIT: Duration = Duration::from_hours(12);

/// The figures, each beside this machine's own limit.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// For the program that measures; `--help` shows what it takes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<String>,
}

impl Args {
    /// Measures; a target that is not reached is said in the table and is no failure.
    pub(crate) fn run(self, root: &Path) -> Result<bool> {
        system::ensure(&[system::COMPILER, system::POSTGRES])?;
        let folder = Folder::new("licd-bench-", false)?;
        // PostgreSQL's own user has to find its way through.
        #[cfg(unix)]
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        // Each by itself: the server is measured as it is shipped.
        for package in ["licd", "license-bench"] {
            terminal::complain(&format!("building {package} as it is released …"));
            let mut released =
                cargo(root, &["build", "--quiet", "--release", "--package", package]);
            build(&mut released, &folder.path().join("build.log"))?;
        }
        let programs = target_dir(root)?.join("release");
        let mut bench = command(root, programs.join("license-bench"), &[]);
        bench.arg("--licd").arg(programs.join("licd")).arg("--place").arg(folder.path());
        bench.args(self.options);
        match Running::start(&mut bench)?.wait(LIMIT)? {
            Some(status) => Ok(status.success()),
            None => bail!("ended after {}", terminal::duration(LIMIT)),
        }
    }
}
