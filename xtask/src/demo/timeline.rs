//! The demo's numbered steps, each with the time since the start.

use std::time::Instant;

use anyhow::Result;

use crate::terminal::{self, duration};

/// Numbers the steps and keeps the time.
pub(crate) struct Timeline {
    started: Instant,
    number: usize,
}

impl Timeline {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), number: 0 }
    }

    /// Says what comes, does it, shows what came of it.
    pub(crate) fn step<T>(
        &mut self,
        title: &str,
        work: impl FnOnce(&mut Findings) -> Result<T>,
    ) -> Result<T> {
        self.number += 1;
        let since = self.started.elapsed().as_secs();
        terminal::say(&format!(
            "\n{:>2}  {:02}:{:02}  {title}",
            self.number,
            since / 60,
            since % 60
        ));
        let begun = Instant::now();
        let mut findings = Findings(Vec::new());
        let outcome = work(&mut findings);
        for line in findings.0 {
            terminal::say(&format!("           {line}"));
        }
        let took = duration(begun.elapsed());
        terminal::say(&match &outcome {
            Ok(_) => format!("           ok ({took})"),
            Err(_) => format!("           FAILED ({took})"),
        });
        outcome
    }

    pub(crate) fn elapsed(&self) -> String {
        duration(self.started.elapsed())
    }
}

/// What a step shows: as little as tells the story.
pub(crate) struct Findings(Vec<String>);

impl Findings {
    pub(crate) fn text(&mut self, text: impl AsRef<str>) {
        self.0.extend(text.as_ref().lines().map(|line| line.trim_end().to_owned()));
    }
}
