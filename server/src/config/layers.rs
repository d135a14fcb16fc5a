//! Where configured values come from: the defaults, a file, environment variables, the command
//! line; the later wins. Remembers which one each value came from.

use figment::providers::{Format as _, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};

use super::keys::{self, KEYS, Key, Shape};

/// Variables that start like configuration and are none.
const NOT_CONFIGURATION: [&str; 2] = ["LICD_LOG", "LICD_CONFIG"];
const PREFIX: &str = "LICD_";
const DEFAULT: &str = "default";
const VARIABLE: &str = "environment";
const ARGUMENT: &str = "command line";

/// All layers, not yet read.
pub(super) struct Layers {
    figment: Figment,
}

impl Layers {
    /// The defaults alone.
    pub(super) fn defaults() -> Self {
        let mut dict = Dict::new();
        for key in KEYS {
            insert(&mut dict, key.path, toml_value(key.default).unwrap_or(Value::from("")));
        }
        Self { figment: Figment::from(Layer { name: DEFAULT.to_owned(), dict }) }
    }

    /// Puts a TOML file on top.
    pub(super) fn file(self, name: &str, text: &str) -> Result<Self, Box<Error>> {
        let dict = Toml::string(text)
            .data()
            .map_err(Box::new)?
            .remove(&Profile::Default)
            .unwrap_or_default();
        Ok(self.merge(name, dict))
    }

    /// Puts environment variables on top.
    pub(super) fn variables(self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut dict = Dict::new();
        for (name, text) in variables {
            let Some(path) = name.strip_prefix(PREFIX) else { continue };
            if NOT_CONFIGURATION.contains(&name.as_str()) {
                continue;
            }
            let path = path.to_lowercase().replace("__", ".");
            insert(&mut dict, &path, variable_value(keys::find(&path), text));
        }
        self.merge(VARIABLE, dict)
    }

    /// Puts arguments on top, given as paths and values.
    pub(super) fn arguments(self, arguments: &[(&str, String)]) -> Self {
        let mut dict = Dict::new();
        for (path, text) in arguments {
            insert(&mut dict, path, Value::from(text.as_str()));
        }
        self.merge(ARGUMENT, dict)
    }

    fn merge(self, name: &str, dict: Dict) -> Self {
        Self { figment: self.figment.merge(Layer { name: name.to_owned(), dict }) }
    }

    /// The value of a key, from the highest layer that has one.
    pub(super) fn value(&self, path: &str) -> Option<Value> {
        self.figment.find_value(path).ok()
    }

    /// Names a key the way the person wrote it: `http.listen in licd.toml`, `--listen`,
    /// `LICD_HTTP__LISTEN`.
    pub(super) fn place(&self, path: &str) -> String {
        let name = self.figment.find_metadata(path).map(|metadata| metadata.name.to_string());
        match name.as_deref() {
            None | Some(DEFAULT) => path.to_owned(),
            Some(VARIABLE) => format!("{PREFIX}{}", path.replace('.', "__").to_uppercase()),
            Some(ARGUMENT) => {
                format!("--{}", path.rsplit('.').next().unwrap_or(path).replace('_', "-"))
            }
            Some(file) => format!("{path} in {file}"),
        }
    }

    /// Where a value came from, in a word.
    pub(super) fn origin(&self, path: &str) -> String {
        self.figment.find_metadata(path).map_or(DEFAULT.to_owned(), |found| found.name.to_string())
    }

    /// Whether nobody gave a value.
    pub(super) fn is_default(&self, path: &str) -> bool {
        self.origin(path) == DEFAULT
    }

    /// Every path that is set and that no key has.
    pub(super) fn unknown(&self) -> Vec<String> {
        let mut unknown = Vec::new();
        if let Ok(dict) = self.figment.extract::<Dict>() {
            collect_unknown(&dict, "", &mut unknown);
        }
        unknown
    }
}

fn collect_unknown(dict: &Dict, above: &str, unknown: &mut Vec<String>) {
    for (name, value) in dict {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match value {
            Value::Dict(_, below) if keys::is_section(&path) => {
                collect_unknown(below, &path, unknown);
            }
            _ if keys::is_section(&path)
                || keys::find(&path).is_some()
                || keys::find_file_twin(&path).is_some() => {}
            _ => unknown.push(path),
        }
    }
}

/// One layer as figment takes it.
struct Layer {
    name: String,
    dict: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, self.dict.clone())]))
    }
}

/// Puts a value at a dotted path. A path through something that is no table replaces it.
fn insert(dict: &mut Dict, path: &str, value: Value) {
    let Some((section, rest)) = path.split_once('.') else {
        dict.insert(path.to_owned(), value);
        return;
    };
    let below = dict.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
    if !matches!(below, Value::Dict(..)) {
        *below = Value::from(Dict::new());
    }
    if let Value::Dict(_, below) = below {
        insert(below, rest, value);
    }
}

/// Reads a variable by the shape of its key: a secret of digits alone stays a text.
fn variable_value(key: Option<&Key>, text: String) -> Value {
    let list = |text: &str| toml_value(text).filter(|value| value.as_array().is_some());
    match key.map(|key| key.shape) {
        Some(Shape::Number) => text.trim().parse::<i64>().map_or(Value::from(text), Value::from),
        Some(Shape::Flag) => text.trim().parse::<bool>().map_or(Value::from(text), Value::from),
        Some(Shape::TextOrList) => list(&text).unwrap_or(Value::from(text)),
        Some(Shape::List) => list(&text).unwrap_or_else(|| {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::from(items.map(Value::from).collect::<Vec<_>>())
        }),
        Some(Shape::Text) | None => Value::from(text),
    }
}

fn toml_value(text: &str) -> Option<Value> {
    let mut data = Toml::string(&format!("value = {text}")).data().ok()?;
    data.remove(&Profile::Default)?.remove("value")
}
