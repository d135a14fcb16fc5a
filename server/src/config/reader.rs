//! Reads single values out of the layers and gathers everything that is wrong, so that a person
//! sees all of it at once.

use std::fmt;
use std::path::{Path, PathBuf};

use figment::value::Value;
use zeroize::Zeroizing;

use super::keys::{self, Key};
use super::layers::Layers;
use super::secret::Secret;

/// Everything that is wrong with a configuration.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    /// One problem alone.
    pub(crate) fn one(text: String) -> Self {
        Self(vec![text])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(problem)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Reads values; what is wrong is noted, and something harmless given back.
pub(super) struct Reader<'a> {
    layers: &'a Layers,
    /// By key: what follows from a first problem would only confuse.
    problems: Vec<(String, String)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers) -> Self {
        let mut reader = Self { layers, problems: Vec::new() };
        for path in layers.unknown() {
            let meant = keys::nearest(&path).map_or_else(
                || "remove it; `licd config check` shows the keys there are".to_owned(),
                |known| format!("did you mean {known}?"),
            );
            reader.problem(&path, "there is no such key", &meant);
        }
        reader
    }

    /// Notes that the value of a key will not do. `remedy` says what to write instead.
    pub(super) fn problem(&mut self, path: &str, what: &str, remedy: &str) {
        if self.problems.iter().any(|(known, _)| known == path) {
            return;
        }
        let text = format!("{}: {what}; {remedy}", self.layers.place(path));
        self.problems.push((path.to_owned(), text));
    }

    /// Whether something is wrong with a key or with the file that it may be in.
    pub(super) fn has_problem(&self, path: &str) -> bool {
        let twin = format!("{path}_file");
        self.problems.iter().any(|(known, _)| *known == path || *known == twin)
    }

    pub(super) fn finish(self) -> Result<(), Problems> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(Problems(self.problems.into_iter().map(|(_, text)| text).collect()))
    }

    pub(super) fn text(&mut self, path: &str) -> String {
        match self.layers.value(path) {
            Some(Value::String(_, text)) => text.trim().to_owned(),
            other => {
                self.wrong_type(path, other.as_ref());
                String::new()
            }
        }
    }

    /// A text that may be empty, which means: not set.
    pub(super) fn path(&mut self, path: &str) -> Option<PathBuf> {
        let text = self.text(path);
        (!text.is_empty()).then(|| PathBuf::from(text))
    }

    pub(super) fn number(&mut self, path: &str) -> i64 {
        let value = self.layers.value(path);
        let number = value.as_ref().and_then(|value| match value {
            Value::Num(_, number) => number.to_i128().and_then(|n| i64::try_from(n).ok()),
            _ => None,
        });
        number.unwrap_or_else(|| {
            self.wrong_type(path, value.as_ref());
            0
        })
    }

    pub(super) fn flag(&mut self, path: &str) -> bool {
        match self.layers.value(path) {
            Some(Value::Bool(_, flag)) => flag,
            other => {
                self.wrong_type(path, other.as_ref());
                false
            }
        }
    }

    /// A text or a list of texts; empty ones count as not given.
    pub(super) fn texts(&mut self, path: &str) -> Vec<String> {
        let value = self.layers.value(path);
        let texts = match &value {
            Some(Value::String(_, text)) => Some(vec![text.clone()]),
            Some(Value::Array(_, items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        let texts = texts.unwrap_or_else(|| {
            self.wrong_type(path, value.as_ref());
            Vec::new()
        });
        texts.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
    }

    /// Secrets under `path`, or one a line in the file that `<path>_file` names.
    pub(super) fn secrets(&mut self, path: &str) -> Vec<Secret> {
        let file_path = format!("{path}_file");
        let mut given = self.texts(path);
        let Some(file) = self.layers.value(&file_path) else {
            return given.into_iter().map(Secret::new).collect();
        };
        let Some(file) = file.as_str().map(str::to_owned) else {
            self.wrong_type(&file_path, Some(&file));
            return Vec::new();
        };
        if self.layers.is_default(path) {
            given.clear();
        }
        if !given.is_empty() {
            let both = format!("{} gives the value itself as well", self.layers.place(path));
            self.problem(&file_path, &both, "keep one of the two");
        }
        match std::fs::read_to_string(Path::new(&file)).map(Zeroizing::new) {
            Ok(text) => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                let secrets: Vec<Secret> = lines.map(Secret::new).collect();
                if secrets.is_empty() {
                    let empty = format!("the file {file} is empty");
                    self.problem(&file_path, &empty, "write the value into it, one a line");
                }
                secrets
            }
            Err(error) => {
                let cause = format!("the file {file} cannot be read ({error})");
                self.problem(&file_path, &cause, "name a file that licd may read");
                Vec::new()
            }
        }
    }

    /// One secret, for keys that take no list.
    pub(super) fn secret(&mut self, path: &str) -> Option<Secret> {
        let mut secrets = self.secrets(path);
        if secrets.len() > 1 {
            self.problem(path, "there is more than one value", "give exactly one");
        }
        secrets.pop()
    }

    fn wrong_type(&mut self, path: &str, value: Option<&Value>) {
        let key = keys::find(path).or_else(|| keys::find_file_twin(path));
        let secret = key.is_some_and(|key| key.secret);
        let found = match value {
            // The value of a secret stays out of every message.
            Some(_) if secret => "the value".to_owned(),
            Some(value) => describe(value),
            None => "nothing".to_owned(),
        };
        let wanted = key.map_or("a text in quotes", |key| key.shape.name());
        let example = key.map_or("\"\"", |key: &Key| key.example);
        let name = path.rsplit('.').next().unwrap_or(path);
        let remedy = format!("write {name} = {example}");
        self.problem(path, &format!("{found} is not {wanted}"), &remedy);
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::String(_, text) => format!("{text:?}"),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Num(_, number) => match (number.to_i128(), number.to_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(fraction)) => fraction.to_string(),
            (None, None) => "the number".to_owned(),
        },
        Value::Array(..) => "the list".to_owned(),
        Value::Dict(..) => "the table".to_owned(),
        _ => "the value".to_owned(),
    }
}
