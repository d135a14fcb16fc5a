//! The style of every table, and the text of its cells.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use license_core::Timestamp;
use serde::Serialize;
use serde_json::Value;

const ABSENT: &str = "-";

/// A table with these column names; long cells wrap at the terminal's width.
pub(crate) fn new(head: impl IntoIterator<Item = &'static str>) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head);
    table
}

/// A text, number, flag, id or state as the server writes it; `-` where it is absent or empty.
pub(crate) fn text(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) if !text.is_empty() => text,
        Ok(Value::Number(number)) => number.to_string(),
        Ok(Value::Bool(flag)) => flag.to_string(),
        _ => ABSENT.to_owned(),
    }
}

/// The day of a time, `-` where it is absent.
pub(crate) fn day(at: impl Into<Option<Timestamp>>) -> String {
    at.into().map_or_else(|| ABSENT.to_owned(), Timestamp::date)
}

/// A time to the second, `-` where it is absent.
pub(crate) fn time(at: impl Into<Option<Timestamp>>) -> String {
    at.into().map_or_else(|| ABSENT.to_owned(), |at| at.to_string())
}

/// Items in one cell, `-` where there are none.
pub(crate) fn joined(items: &[String]) -> String {
    text(items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_empty_cells_are_dashes() {
        let at = Timestamp::from_secs(1_795_132_800);
        assert_eq!((text(3), text(Some("a")), text(true)), ("3".into(), "a".into(), "true".into()));
        assert_eq!((day(at), time(at)), ("2026-11-20".into(), "2026-11-20T00:00:00Z".into()));
        assert_eq!((text(""), text(None::<u32>)), ("-".into(), "-".into()));
        assert_eq!((day(None), time(None), joined(&[])), ("-".into(), "-".into(), "-".into()));
    }

    #[test]
    fn tables_have_one_line_below_their_head() {
        let mut table = new(["id", "名称"]);
        table.add_row(["1", "流体仿真"]);
        assert_eq!(table.trim_fmt(), " id  名称\n──────────────\n 1   流体仿真");
    }
}
