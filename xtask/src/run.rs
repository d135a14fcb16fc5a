//! A list of steps, run one after the other: a line each, a log each, and the sum at the end.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::count::Count;
use crate::process::{self, Running};
use crate::terminal;

/// How much of a failed step's log is shown; all of it stays in the log's file.
const SHOWN: usize = 120;

/// One step.
pub(crate) struct Step {
    pub(crate) name: String,
    /// Steps that must have passed; otherwise this one is skipped, which counts as failed.
    pub(crate) after: Vec<String>,
    pub(crate) work: Work,
}

/// What a step does.
pub(crate) enum Work {
    /// A command that passes or fails as one.
    One(Command),
    /// A command that prints cargo's test results.
    CargoTest(Command),
    /// A command that prints ctest's summary.
    Ctest(Command),
    /// A look at the tree; an error says what is wrong with it.
    Look(fn(&Path) -> Result<()>),
}

impl Step {
    pub(crate) fn new(name: impl Into<String>, work: Work) -> Self {
        Self { name: name.into(), after: Vec::new(), work }
    }

    pub(crate) fn after(mut self, names: &[&str]) -> Self {
        self.after = names.iter().map(ToString::to_string).collect();
        self
    }
}

/// Runs the steps and prints the closing line; `true` when nothing failed.
pub(crate) fn all(root: &Path, steps: Vec<Step>, limit: Duration) -> Result<bool> {
    let logs = root.join("target/xtask/logs");
    fs::create_dir_all(&logs).with_context(|| format!("creating {}", logs.display()))?;

    let total = steps.len();
    let started = Instant::now();
    let mut sum = Count::default();
    let mut failed = HashSet::new();
    let mut summary = Vec::new();
    for (index, step) in steps.into_iter().enumerate() {
        let name = step.name.clone();
        terminal::begin(&format!("[{:>2}/{total}] {name} … ", index + 1));
        let log = logs.join(format!("{:02}-{}.log", index + 1, file_name(&name)));
        let begun = Instant::now();

        let count = if let Some(missing) = step.after.iter().find(|name| failed.contains(*name)) {
            terminal::say(&format!("SKIPPED, because \"{missing}\" failed"));
            Count::FAILED
        } else {
            let (count, note) = one(root, step.work, &log, limit * 3 / 4);
            let took = terminal::duration(begun.elapsed());
            terminal::say(&format!("{}, {took}", result(count)));
            if count.failed > 0 {
                show(note.as_deref(), &log);
            }
            count
        };
        if count.failed > 0 {
            summary.push(format!("  {name}: {} (log: {})", result(count), log.display()));
            failed.insert(name);
        }
        sum = [sum, count].into_iter().sum();
    }

    let took = started.elapsed();
    if !summary.is_empty() {
        terminal::say("\nWhat failed:");
        for line in &summary {
            terminal::say(line);
        }
    }
    terminal::say(&format!("\n{total} steps in {}", terminal::duration(took)));
    if took > limit {
        // Said, not counted: how busy the machine was says nothing about the program.
        terminal::say(&format!("NOTE: that is more than {}", terminal::duration(limit)));
    }
    close(sum);
    Ok(sum.failed == 0)
}

/// The end of a run that could not begin: what is missing, and the closing line.
pub(crate) fn nothing(why: &anyhow::Error) -> bool {
    terminal::say(&format!("{why:#}"));
    close(Count::FAILED);
    false
}

/// The line that CI reads; nothing comes after it.
fn close(sum: Count) {
    terminal::say(&format!("{} passed, {} failed", sum.passed, sum.failed));
}

/// Runs one step; beside the count, what went wrong in our own words.
fn one(root: &Path, work: Work, log: &Path, limit: Duration) -> (Count, Option<String>) {
    let (mut command, read): (_, fn(&str) -> Count) = match work {
        Work::Look(look) => {
            return match look(root) {
                Ok(()) => (Count::PASSED, None),
                Err(error) => {
                    let text = format!("{error:#}");
                    let _ = fs::write(log, &text);
                    (Count::FAILED, Some(text))
                }
            };
        }
        Work::One(command) => (command, |_| Count::PASSED),
        Work::CargoTest(command) => (command, Count::from_cargo),
        Work::Ctest(command) => (command, Count::from_ctest),
    };
    match finish(&mut command, log, limit) {
        Ok(Some(success)) => {
            let output = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
            // The count of a command that passes or fails as one says nothing of its success.
            let single = read("") == Count::PASSED;
            let count = if single && !success { Count::default() } else { read(&output) };
            (count.or_failed(success), None)
        }
        Ok(None) => {
            let text = format!("ended after {}", terminal::duration(limit));
            (Count::FAILED, Some(text))
        }
        Err(error) => (Count::FAILED, Some(format!("{error:#}"))),
    }
}

/// Runs the command with its output in the log; `None` when it took too long.
fn finish(command: &mut Command, log: &Path, limit: Duration) -> Result<Option<bool>> {
    let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
    command.stdout(file.try_clone()?).stderr(file);
    let status = Running::start(command)?.wait(limit)?;
    Ok(status.map(|status| status.success()))
}

fn result(count: Count) -> String {
    match count {
        Count::PASSED => "ok".to_owned(),
        Count::FAILED => "FAILED".to_owned(),
        Count { passed, failed: 0 } => format!("ok, {passed} passed"),
        Count { passed, failed } => format!("FAILED, {passed} passed, {failed} failed"),
    }
}

fn show(note: Option<&str>, log: &Path) {
    if let Some(note) = note {
        indented(note);
    } else {
        indented(&process::tail(log, SHOWN));
    }
}

fn indented(text: &str) {
    for line in text.lines() {
        terminal::say(&format!("    {line}"));
    }
}

fn file_name(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    letters.collect::<String>().split('-').filter(|s| !s.is_empty()).collect::<Vec<_>>().join("-")
}
