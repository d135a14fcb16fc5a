//! The effective configuration as TOML that can be read again, without its secrets.

use std::fmt::Write as _;

use figment::value::Value;

use super::database::Database;
use super::keys::KEYS;
use super::layers::Layers;

/// One line a key, with where its value came from.
pub(super) fn effective(layers: &Layers) -> String {
    let mut text = String::new();
    let mut section = "";
    for key in KEYS {
        let (table, name) = key.path.split_once('.').unwrap_or(("", key.path));
        if table != section {
            let _ = writeln!(text, "\n[{table}]");
            section = table;
        }
        let file_path = format!("{}_file", key.path);
        let file = layers.value(&file_path).filter(|_| key.secret);
        let (name, path, value) = if let Some(file) = &file {
            (format!("{name}_file"), file_path.as_str(), render(file, false))
        } else {
            let value = layers.value(key.path);
            let value = match value {
                Some(Value::String(_, text)) if key.path == "database" => {
                    toml::Value::from(Database::shown(&text)).to_string()
                }
                Some(value) => render(&value, key.secret),
                None => "\"\"".to_owned(),
            };
            (name.to_owned(), key.path, value)
        };
        let line = format!("{name} = {value}");
        let _ = writeln!(text, "{line:<56} # {}", layers.origin(path));
    }
    text
}

fn render(value: &Value, secret: bool) -> String {
    match value {
        Value::String(_, text) if secret && !text.is_empty() => "\"(set)\"".to_owned(),
        Value::String(_, text) => toml::Value::from(text.as_str()).to_string(),
        Value::Num(_, number) => number.to_i128().map(|n| n.to_string()).unwrap_or_default(),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Array(_, items) => {
            let items: Vec<String> = items.iter().map(|item| render(item, secret)).collect();
            format!("[{}]", items.join(", "))
        }
        _ => "\"\"".to_owned(),
    }
}
