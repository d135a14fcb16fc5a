//! The look of every table, and what of a JSON row goes into a cell.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use license_core::time::Timestamp;
use serde_json::Value;

/// A table with these column names; long cells wrap at the terminal's width.
pub(crate) fn new<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new().header_separator(LineStyle::none().fill('─')))
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head);
    table
}

/// The member at a JSON pointer, `-` where there is none.
pub(crate) fn text(row: &Value, pointer: &str) -> String {
    match row.pointer(pointer) {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => "-".to_owned(),
    }
}

/// The day of a member that is a time, `-` where there is none.
pub(crate) fn day(row: &Value, pointer: &str) -> String {
    let at = row.pointer(pointer).and_then(Value::as_i64);
    at.map_or_else(|| "-".to_owned(), |at| Timestamp::from_secs(at).date())
}

/// A member that is a time, to the second; `-` where there is none.
pub(crate) fn time(row: &Value, pointer: &str) -> String {
    let at = row.pointer(pointer).and_then(Value::as_i64);
    at.map_or_else(|| "-".to_owned(), |at| Timestamp::from_secs(at).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_say_where_nothing_is() {
        let row = json!({ "a": { "b": 3 }, "t": 1_795_132_800, "n": null, "s": "" });
        assert_eq!(text(&row, "/a/b"), "3");
        assert_eq!(day(&row, "/t"), "2026-11-20");
        assert_eq!(time(&row, "/t"), "2026-11-20T00:00:00Z");
        for pointer in ["/n", "/s", "/x"] {
            assert_eq!((text(&row, pointer), day(&row, pointer)), ("-".into(), "-".into()));
        }
    }

    #[test]
    fn tables_have_one_line_below_their_head() {
        let mut table = new(["id", "名称"]);
        table.add_row(["1", "流体仿真"]);
        assert_eq!(table.trim_fmt(), " id  名称\n──────────────\n 1   流体仿真");
    }
}
