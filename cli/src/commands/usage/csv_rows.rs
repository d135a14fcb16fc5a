//! Reads records of usage from CSV, and makes the numbers of those that have none.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use koogallery::time;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::refused;

/// One row of a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsageRow {
    pub(super) instance_id: String,
    pub(super) begin_time: String,
    pub(super) end_time: String,
    pub(super) usage_value: String,
    #[serde(default)]
    pub(super) metering_sn: Option<String>,
    #[serde(default)]
    pub(super) record_time: Option<String>,
    #[serde(default)]
    pub(super) relate_pkg_instance: Option<String>,
    #[serde(default)]
    pub(super) product_id: Option<String>,
}

/// Reads a file; each fault names its line.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<Value>> {
    let bytes =
        std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    rows(&bytes)
}

fn rows(bytes: &[u8]) -> anyhow::Result<Vec<Value>> {
    // Spreadsheets write a byte order mark, which is no part of the first column's name.
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let mut records = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for row in reader.deserialize() {
        let row: UsageRow = row.map_err(|error| refused(error.to_string()))?;
        let times = seen.entry(row.content()).or_default();
        *times += 1;
        // The header is line 1.
        let line = records.len() + 2;
        let record = row.record(*times);
        records.push(record.map_err(|what| refused(format!("line {line}: {what}")))?);
    }
    if records.is_empty() {
        return Err(refused("the file holds no record".to_owned()).into());
    }
    Ok(records)
}

impl UsageRow {
    /// What makes two rows the same usage.
    fn content(&self) -> String {
        let package = self.relate_pkg_instance.as_deref().unwrap_or_default();
        [&self.instance_id, &self.begin_time, &self.end_time, &self.usage_value, package].join("\n")
    }

    /// As the server takes it; `times` counts equal rows, which are equal usage and not the same.
    pub(super) fn record(&self, times: usize) -> Result<Value, String> {
        let digest = Sha256::digest(format!("{}\n{times}", self.content()));
        let made = format!("row-{}", &hex::encode(digest)[..40]);
        let given = self.metering_sn.clone().filter(|number| !number.is_empty());
        let mut record = json!({
            "instance_id": self.instance_id,
            "begin_time": moment("begin_time", &self.begin_time)?,
            "end_time": moment("end_time", &self.end_time)?,
            "usage_value": self.usage_value,
            "metering_sn": given.unwrap_or(made),
        });
        if let Some(text) = self.record_time.as_deref().filter(|text| !text.is_empty()) {
            record["record_time"] = moment("record_time", text)?.into();
        }
        for (name, text) in
            [("relate_pkg_instance", &self.relate_pkg_instance), ("product_id", &self.product_id)]
        {
            if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
                record[name] = text.into();
            }
        }
        Ok(record)
    }
}

/// The marketplace's spelling, the usual ones, or a day.
fn moment(name: &str, text: &str) -> Result<i64, String> {
    time::parse_basic(text)
        .or_else(|| time::parse(text))
        .or_else(|| time::parse(&format!("{text} 00:00:00")))
        .ok_or_else(|| format!("{name}: {text:?} is no time like 2026-11-20T08:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "instance_id,begin_time,end_time,usage_value";

    #[test]
    fn a_file_pushed_again_says_the_same() {
        let file = format!(
            "\u{feff}{HEAD},metering_sn\r\ni-1,2026-11-20,20261120T010000Z,1.5,\r\n\
             i-1,2026-11-20,20261120T010000Z,1.5,\ni-2,2026-11-20T00:00:00Z,2026-11-20 01:00:00,2,sn-1\n"
        );
        let records = rows(file.as_bytes()).unwrap();
        assert_eq!(records.len(), 3);
        assert_eq!(records[0]["begin_time"], 1_795_132_800);
        assert_eq!(records[0]["end_time"], 1_795_136_400);
        assert_eq!(records[2]["metering_sn"], "sn-1");
        // Equal rows are equal usage, counted twice, and that again is the same in every run.
        assert_ne!(records[0]["metering_sn"], records[1]["metering_sn"]);
        assert_eq!(rows(file.as_bytes()).unwrap(), records);
        assert!(records[0]["metering_sn"].as_str().unwrap().len() <= 64);
    }

    #[test]
    fn faults_name_their_line() {
        for (row, part) in [
            ("i-1,yesterday,2026-11-20,1", "line 2: begin_time"),
            ("i-1,2026-11-20,2026-02-30,1", "line 2: end_time"),
            ("i-1,2026-11-20", "line: 2"),
        ] {
            let error = rows(format!("{HEAD}\n{row}\n").as_bytes()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(rows(HEAD.as_bytes()).is_err());
        let error = rows(b"instance,begin\ni,b\n").unwrap_err().to_string();
        assert!(error.contains("instance"), "{error}");
    }
}
