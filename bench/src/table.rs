//! The table: each figure beside this machine's limit, its target, and whether it was reached.

use std::time::Duration;

use serde_json::{Value, json};

use crate::latencies::Latencies;
use crate::output;

const MIB: f64 = 1024.0 * 1024.0;

/// What was measured.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// A second.
    pub(crate) rate: f64,
    pub(crate) latency: Latencies,
    /// Bytes of licd: resident at the end, and the most that it was.
    pub(crate) memory: Option<(u64, u64)>,
    /// Processors that licd kept busy, and that the generator did.
    pub(crate) cpu: Option<(f64, f64)>,
}

impl Figure {
    pub(crate) fn new(rate: f64, latency: Latencies) -> Self {
        Self { rate, latency, memory: None, cpu: None }
    }
}

/// One comparison of a figure.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// What the value is.
    pub(crate) text: String,
    pub(crate) value: f64,
    /// At least or at most so much; without it the value is only told.
    pub(crate) target: Option<Target>,
}

/// What is to be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Check {
    fn reached(&self) -> Option<bool> {
        self.target.map(|target| match target {
            Target::AtLeast(least) => self.value >= least,
            Target::AtMost(most) => self.value <= most,
        })
    }

    fn target(&self) -> String {
        match self.target {
            None => String::new(),
            Some(Target::AtLeast(least)) => format!(">= {least}"),
            Some(Target::AtMost(most)) => format!("<= {most}"),
        }
    }

    fn verdict(&self) -> &'static str {
        match self.reached() {
            None => "",
            Some(true) => "reached",
            Some(false) => "NOT reached",
        }
    }
}

/// A line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// For `--only` and `--json`.
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) figure: Figure,
    pub(crate) checks: Vec<Check>,
}

/// Prints the rows, limits first.
pub(crate) fn print(rows: &[Row]) {
    let mut cells = vec![
        ["", "a second", "p50", "p99", "memory", "CPU licd", "CPU load", "beside", "target", ""]
            .map(str::to_owned),
    ];
    for row in rows {
        let figure = &row.figure;
        let percentile = |percent| match figure.latency.count() {
            0 => String::new(),
            _ => duration(figure.latency.percentile(percent)),
        };
        let check = |index: usize, cell: fn(&Check) -> String| {
            row.checks.get(index).map(cell).unwrap_or_default()
        };
        let beside = |check: &Check| format!("{} {}", number(check.value), check.text);
        cells.push([
            row.what.to_owned(),
            number(figure.rate),
            percentile(50.0),
            percentile(99.0),
            figure.memory.map(|(now, _)| format!("{} MB", mib(now))).unwrap_or_default(),
            figure.cpu.map(|(licd, _)| format!("{licd:.2}")).unwrap_or_default(),
            figure.cpu.map(|(_, load)| format!("{load:.2}")).unwrap_or_default(),
            check(0, beside),
            check(0, Check::target),
            check(0, |check| check.verdict().to_owned()),
        ]);
        for index in 1..row.checks.len() {
            let mut more: [String; 10] = Default::default();
            more[7] = check(index, beside);
            more[8] = check(index, Check::target);
            more[9] = check(index, |check| check.verdict().to_owned());
            cells.push(more);
        }
    }
    grid(&cells);
}

/// Prints cells as a table of Markdown, so that it can be kept as it is.
pub(crate) fn grid<R: AsRef<[String]>>(cells: &[R]) {
    let columns = cells.first().map_or(0, |row| row.as_ref().len());
    let width = |column: usize| {
        cells.iter().map(|row| row.as_ref()[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for (index, row) in cells.iter().enumerate() {
        let padded =
            row.as_ref().iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        output::line(&format!("| {} |", padded.collect::<Vec<_>>().join(" | ")));
        if index == 0 {
            let rule: Vec<_> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
            output::line(&format!("|{}|", rule.join("|")));
        }
    }
}

/// The rows as JSON, times in microseconds.
pub(crate) fn json(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let micros = |percent| row.figure.latency.percentile(percent).as_secs_f64() * 1e6;
        let checks = row.checks.iter().map(|check| {
            json!({
                "value": check.value,
                "of": check.text,
                "target": check.target(),
                "reached": check.reached(),
            })
        });
        json!({
            "name": row.name,
            "what": row.what,
            "per_second": row.figure.rate,
            "p50_us": micros(50.0),
            "p99_us": micros(99.0),
            "rss_bytes": row.figure.memory.map(|(now, _)| now),
            "rss_most_bytes": row.figure.memory.map(|(_, most)| most),
            "cpu_licd": row.figure.cpu.map(|(licd, _)| licd),
            "cpu_load": row.figure.cpu.map(|(_, load)| load),
            "checks": checks.collect::<Vec<_>>(),
        })
    };
    rows.iter().map(row).collect()
}

/// `24,100`, `12.3`, `0.96`
pub(crate) fn number(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `85 µs`, `4.37 ms`, `1.2 s`
pub(crate) fn duration(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..10.0 => format!("{micros:.1} µs"),
        ..1e3 => format!("{micros:.0} µs"),
        ..1e6 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

/// Mebibytes.
pub(crate) fn mib(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "no memory has 2^53 bytes")]
    let mib = bytes as f64 / MIB;
    format!("{mib:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well_at_every_size() {
        let texts = [0.957, 12.34, 123.4, 24_100.2, 1_234_567.0].map(number);
        assert_eq!(texts, ["0.96", "12.3", "123", "24,100", "1,234,567"]);
        let texts = [500, 85_000, 4_370_000, 1_250_000_000].map(Duration::from_nanos).map(duration);
        assert_eq!(texts, ["0.5 µs", "85 µs", "4.37 ms", "1.25 s"]);
    }

    #[test]
    fn a_target_is_reached_or_not() {
        let check = |value, target| Check { text: String::new(), value, target }.reached();
        assert_eq!(check(4.0, Some(Target::AtLeast(4.0))), Some(true));
        assert_eq!(check(3.9, Some(Target::AtLeast(4.0))), Some(false));
        assert_eq!(check(1.5, Some(Target::AtMost(1.5))), Some(true));
        assert_eq!(check(1.6, Some(Target::AtMost(1.5))), Some(false));
        assert_eq!(check(1.6, None), None);
    }
}
