//! Prints results on standard output, errors and notes on standard error, and JSON where `--json`
//! asks for it. No other file prints.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use license_core::{Code, Lang, Refusal};
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::messages;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Options that every command has.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct OutputArgs {
    /// Print one JSON object with a `code` (lists print an array).
    #[arg(long, global = true, help_heading = "Output")]
    json: bool,
    /// Language of explanations; otherwise the locale decides.
    #[arg(long, global = true, value_enum, value_name = "LANG", help_heading = "Output")]
    lang: Option<LangArg>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum LangArg {
    /// English
    En,
    /// 中文
    Zh,
}

/// Where a command's result goes. Colours are left out where the stream is no terminal.
pub(crate) struct Output {
    json: bool,
    lang: Lang,
    stdout: AutoStream<io::Stdout>,
    stderr: AutoStream<io::Stderr>,
}

impl Output {
    pub(crate) fn new(output: OutputArgs) -> Self {
        let lang = match output.lang {
            Some(LangArg::En) => Lang::En,
            Some(LangArg::Zh) => Lang::Zh,
            None => lang_of_environment(),
        };
        let (stdout, stderr) = (AutoStream::auto(io::stdout()), AutoStream::auto(io::stderr()));
        Self { json: output.json, lang, stdout, stderr }
    }

    /// Whether the result is to be printed as JSON; explanations on standard error stay text.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    pub(crate) fn lang(&self) -> Lang {
        self.lang
    }

    /// `en` or `zh`, as the language of this run is.
    pub(crate) fn pick<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        messages::pick(self.lang, en, zh)
    }

    /// A line of the result.
    pub(crate) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.stdout, "{text}")?;
        self.stdout.flush()
    }

    /// The result as one JSON value.
    pub(crate) fn value(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        self.line(serde_json::to_string_pretty(value)?)?;
        Ok(())
    }

    /// The result of a change: its line, or with `--json` the members beside the code `OK`.
    pub(crate) fn done(
        &mut self,
        mut members: Value,
        line: impl Display,
    ) -> anyhow::Result<ExitCode> {
        if self.json {
            members["code"] = Code::Ok.as_str().into();
            self.value(&members)?;
        } else {
            self.line(line)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The result as bytes, without a line end of our own.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.stdout.write_all(text.as_bytes())?;
        self.stdout.flush()
    }

    /// Something about the result that a program must not read as part of it.
    pub(crate) fn note(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.stderr, "{text}")
    }

    pub(crate) fn warn(&mut self, code: impl Display, text: impl Display) -> io::Result<()> {
        let word = self.pick("warning", "警告");
        writeln!(self.stderr, "{WARN}{word}:{WARN:#} {text} ({code})")
    }

    /// Prints a refusal with its code, its cause, the comparison of the machine and the next step.
    /// It is the answer, so it goes where the answer is expected.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) -> anyhow::Result<()> {
        if self.json {
            return self.value(&refusal.to_json());
        }
        let lang = self.lang;
        let refused = self.pick("REFUSED", "拒绝");
        self.line(format!("{BAD}{refused}{BAD:#} {}", refusal.code()))?;
        self.line(format!("  {}", refusal.message(lang)))?;
        if let Some(report) = refusal.report() {
            for line in report.explain(lang).lines() {
                self.line(format!("    {line}"))?;
            }
        }
        let step = self.pick("next step", "下一步");
        self.line(format!("  {step}: {}", refusal.remedy(lang)))?;
        Ok(())
    }

    /// Says why the command was not done, and gives its exit code.
    pub(crate) fn error(&mut self, error: &anyhow::Error) -> ExitCode {
        let broken_pipe = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe);
        if broken_pipe {
            return ExitCode::SUCCESS;
        }
        let missing = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::NotFound);
        let failure = error.downcast_ref::<Failure>();
        let code = match failure {
            Some(failure) => failure.code,
            None if missing => Code::NotFound,
            None => Code::Internal,
        };
        // There is nowhere left to report a failure to report.
        let _ = self.print_error(&format!("{error:#}"), code, failure);
        ExitCode::from(failure.map_or(2, |failure| failure.exit))
    }

    fn print_error(
        &mut self,
        message: &str,
        code: Code,
        failure: Option<&Failure>,
    ) -> anyhow::Result<()> {
        let remedy = failure.and_then(|failure| failure.remedy.as_deref());
        let chinese = failure.and_then(|failure| failure.chinese.as_ref());
        if self.json {
            let mut object = json!({ "code": code.as_str(), "message": message });
            if let Some(remedy) = remedy {
                object["remedy"] = remedy.into();
            }
            if let Some((message, remedy)) = chinese {
                object["message_zh"] = message.as_str().into();
                object["remedy_zh"] = remedy.as_str().into();
            }
            return self.value(&object);
        }
        let (message, remedy) = match (self.lang, chinese) {
            (Lang::Zh, Some((message, remedy))) => (message.as_str(), Some(remedy.as_str())),
            _ => (message, remedy),
        };
        let word = self.pick("error", "错误");
        let code = if code == Code::Internal { String::new() } else { format!(" ({code})") };
        writeln!(self.stderr, "{BAD}{word}:{BAD:#} {message}{code}")?;
        if let Some(remedy) = remedy {
            writeln!(self.stderr, "{}: {remedy}", self.pick("next step", "下一步"))?;
        }
        Ok(())
    }
}

/// A bar on standard error, shown on a terminal only.
pub(crate) fn progress_bar(len: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(len).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn lang_of_environment() -> Lang {
    let value = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .unwrap_or_default();
    if value.to_ascii_lowercase().starts_with("zh") { Lang::Zh } else { Lang::En }
}
