//! Alerts, and to which target each was delivered.

use license_core::Lang;
use license_core::api::AlertView;

use super::{Bilingual, Listed, ViewColumn};
use crate::table::{joined, text, time};

impl Listed for AlertView {
    const PATH: &'static str = "/api/v1/alerts";
    const KEY: &'static str = "alert_id";
    const COLUMNS: &'static [ViewColumn<Self>] = &[
        ("at", "时间", |row, _| time(row.at)),
        ("alert", "告警", |row, _| match row.again {
            0 => text(&row.alert),
            again => format!("{} ×{}", row.alert, again + 1),
        }),
        ("about", "对象", |row, _| text(&row.subject)),
        ("what happened", "内容", |row, lang| match lang {
            Lang::En => text(&row.message),
            Lang::Zh => text(&row.message_zh),
        }),
        ("told", "通知", |row, _| deliveries(row)),
    ];
    const EMPTY: Bilingual = ("no alerts", "没有告警");
}

fn deliveries(row: &AlertView) -> String {
    let each = row.deliveries.iter().map(|delivery| {
        let line = format!("{}: {}", delivery.target, delivery.state);
        match &delivery.error {
            Some(error) if !error.is_empty() => format!("{line} ({error})"),
            _ => line,
        }
    });
    joined(&each.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_said_who_was_told() {
        let row = |list| {
            serde_json::from_value(json!({
                "alert_id": "a-1", "alert": "x", "level": "warn", "subject": "", "message": "",
                "fields": {}, "at": 0, "again": 0, "deliveries": list,
            }))
            .unwrap()
        };
        assert_eq!(deliveries(&row(json!([]))), "-");
        let both = json!([
            { "target": "webhook", "state": "queued", "attempts": 1, "error": "HTTP 500" },
            { "target": "command", "state": "delivered", "attempts": 1 },
        ]);
        assert_eq!(deliveries(&row(both)), "webhook: queued (HTTP 500), command: delivered");
    }
}
