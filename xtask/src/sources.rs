//! Looks at the tree itself: what may not stand in it, what may not be built in.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::process;

/// The limit of CONTRIBUTING.md, tests not counted.
const LONGEST: usize = 600;

/// RUSTSEC-2023-0071: no RSA private key may be used where a stranger can measure the time.
pub(crate) fn no_rsa_in_the_server(root: &Path) -> Result<()> {
    let tree = tree(root, "licd")?;
    let found: Vec<_> = tree
        .iter()
        .filter(|(name, features)| {
            name == "rsa" || name == "license-core" && features.split(',').any(|f| f == "rsa")
        })
        .collect();
    ensure!(found.is_empty(), "licd is built with rsa: {found:?}");
    Ok(())
}

/// The SDK verifies only: whoever holds it must not hold the code that signs.
pub(crate) fn no_issuer_in_the_sdk(root: &Path) -> Result<()> {
    for package in ["license-ffi", "license-client"] {
        let tree = tree(root, package)?;
        let core = tree.iter().find(|(name, _)| name == "license-core");
        let (_, features) = core.with_context(|| format!("{package} without license-core"))?;
        ensure!(
            features.split(',').all(|feature| feature != "issuer"),
            "{package} is built with license-core's feature `issuer`"
        );
    }
    Ok(())
}

/// What a stranger's clone could not have: folders of the machine a change was made on.
pub(crate) fn no_path_of_a_machine(root: &Path) -> Result<()> {
    let home = std::env::var("HOME").unwrap_or_default();
    let mut paths = vec![format!("{}/", root.display())];
    if home.len() > 1 {
        paths.push(format!("{home}/"));
    }
    report(root, "names a folder of this machine", |_, line| {
        paths.iter().any(|path| line.contains(path.as_str()))
    })
}

/// A test that does not run shows nothing: what takes hours is turned on by `--long`.
pub(crate) fn no_ignored_test(root: &Path) -> Result<()> {
    let ignored = concat!("#[ign", "ore");
    report(root, "an ignored test", |path, line| {
        is_rust(path) && line.trim_start().starts_with(ignored)
    })
}

/// Short files are read, long ones are scrolled.
pub(crate) fn no_long_file(root: &Path) -> Result<()> {
    let mut long = Vec::new();
    for path in files(root)? {
        if !is_rust(&path) || path.starts_with("tests/") || path.contains("/tests/") {
            continue;
        }
        let text = fs::read_to_string(root.join(&path))?;
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        if lines > LONGEST {
            long.push(format!("{path}: {lines} lines"));
        }
    }
    ensure!(long.is_empty(), "over {LONGEST} lines:\n{}", long.join("\n"));
    Ok(())
}

/// The packages of one package's build, each with its features.
fn tree(root: &Path, package: &str) -> Result<Vec<(String, String)>> {
    let args = ["tree", "--package", package, "--edges", "normal,build", "--target", "all"];
    let format = ["--prefix", "none", "--format", "{p}\t{f}", "--no-dedupe"];
    let output = process::cargo(root, &args).args(format).output()?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    let mut packages: Vec<_> = text
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, features)| {
            let name = name.split(' ').next().unwrap_or(name);
            (name.to_owned(), features.to_owned())
        })
        .collect();
    packages.sort();
    packages.dedup();
    Ok(packages)
}

fn report(root: &Path, what: &str, wrong: impl Fn(&str, &str) -> bool) -> Result<()> {
    let mut found = Vec::new();
    for path in files(root)? {
        // A vector or a picture may hold any bytes; a path in it would still be text.
        let text = String::from_utf8_lossy(&fs::read(root.join(&path))?).into_owned();
        let lines = text.lines().enumerate().filter(|(_, line)| wrong(&path, line));
        found.extend(lines.map(|(number, _)| format!("{path}:{}: {what}", number + 1)));
    }
    ensure!(found.is_empty(), "{}", found.join("\n"));
    Ok(())
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The files that git keeps and that are there.
fn files(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output()?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).context("a file name that is not UTF-8")?;
    let there = names.split('\0').filter(|name| !name.is_empty() && root.join(name).is_file());
    Ok(there.map(str::to_owned).collect())
}
