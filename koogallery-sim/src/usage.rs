//! The usage that was pushed: which records count, which came twice, what is wrong with the others.

use std::collections::HashMap;

use jiff::civil::DateTime;
use serde::Serialize;
use serde_json::Value;

/// The most records of one request.
pub(crate) const MAX_RECORDS: usize = 1_000;
/// How old the begin of a record may be, in days.
const MAX_AGE_DAYS: i64 = 21;

/// The two printings of the interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UsageForm {
    /// Each record has a number of its own, `metering_sn`.
    New,
    /// Records have a `product_id` and no number: what was sent twice counts twice.
    Old,
}

/// One record that was accepted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PushedUsage {
    pub(crate) form: UsageForm,
    pub(crate) received_at: i64,
    #[serde(flatten)]
    pub(crate) record: Value,
    /// How often it was pushed.
    pub(crate) count: u32,
}

/// What is wrong with a record, by its place in the request.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct AbnormalRecord {
    pub(crate) index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) metering_sn: Option<String>,
    pub(crate) error_code: &'static str,
    pub(crate) error_msg: &'static str,
}

/// How a request was taken.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct PushOutcome {
    pub(crate) counted: usize,
    pub(crate) repeated: usize,
    pub(crate) abnormal: Vec<AbnormalRecord>,
}

/// Everything that was pushed.
#[derive(Debug, Default)]
pub(crate) struct UsageStore {
    records: Vec<PushedUsage>,
    numbers: HashMap<String, usize>,
    violations: usize,
}

impl UsageStore {
    /// Takes what is right of a request.
    pub(crate) fn receive(&mut self, form: UsageForm, records: &[Value], now: i64) -> PushOutcome {
        let mut taken = PushOutcome::default();
        for (index, record) in records.iter().enumerate() {
            let number = record.get("metering_sn").and_then(Value::as_str).map(ToOwned::to_owned);
            let mut refuse = |error_code, error_msg| {
                let metering_sn = number.clone();
                taken.abnormal.push(AbnormalRecord { index, metering_sn, error_code, error_msg });
            };
            if let Err((code, message)) = judge(form, record, now) {
                refuse(code, message);
                continue;
            }
            let known = number.as_ref().and_then(|number| self.numbers.get(number)).copied();
            match known.and_then(|at| self.records.get_mut(at)) {
                Some(usage) if usage.record == *record => {
                    usage.count += 1;
                    taken.repeated += 1;
                }
                Some(_) => {
                    self.violations += 1;
                    refuse("MKT.9002", "metering_sn was used for another record");
                }
                None => {
                    if let (UsageForm::New, Some(number)) = (form, &number) {
                        self.numbers.insert(number.clone(), self.records.len());
                    }
                    let record = record.clone();
                    self.records.push(PushedUsage { form, received_at: now, record, count: 1 });
                    taken.counted += 1;
                }
            }
        }
        taken
    }

    pub(crate) fn records(&self) -> &[PushedUsage] {
        &self.records
    }

    /// How often a number came with another record.
    pub(crate) fn violations(&self) -> usize {
        self.violations
    }
}

type Wrong = (&'static str, &'static str);

fn judge(form: UsageForm, record: &Value, now: i64) -> Result<(), Wrong> {
    const BAD: &str = "MKT.9002";
    let text = |name: &str, limit: usize| {
        let text = record.get(name).and_then(Value::as_str).unwrap_or_default();
        (!text.is_empty() && text.len() <= limit).then_some(text)
    };
    text("instance_id", 64).ok_or((BAD, "instance_id is no text of 1 to 64"))?;
    match form {
        UsageForm::New => {
            text("metering_sn", 64).ok_or((BAD, "metering_sn is no text of 1 to 64"))?
        }
        UsageForm::Old => {
            text("product_id", 64).ok_or((BAD, "product_id is no text of 1 to 64"))?
        }
    };
    let time = |name: &str| {
        let at = text(name, 17).and_then(|text| DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok())?;
        at.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp().as_second())
    };
    time("record_time").ok_or((BAD, "record_time is not yyyyMMddTHHmmssZ"))?;
    let begin = time("begin_time").ok_or((BAD, "begin_time is not yyyyMMddTHHmmssZ"))?;
    let end = time("end_time").ok_or((BAD, "end_time is not yyyyMMddTHHmmssZ"))?;
    if end < begin {
        return Err((BAD, "end_time is before begin_time"));
    }
    if now - begin > MAX_AGE_DAYS * 86_400 {
        return Err(("MKT.9004", "begin_time is more than 21 days ago"));
    }
    let value = record.get("usage_value").map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let value = value.unwrap_or_default();
    if !is_amount(&value) {
        return Err((BAD, "usage_value is no number over 0 with at most 4 decimals"));
    }
    Ok(())
}

fn is_amount(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let over = text.bytes().any(|b| (b'1'..=b'9').contains(&b));
    text.len() <= 20 && digits(whole) && digits(part) && part.len() <= 4 && over
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // 2026-09-21 14:13:20 UTC.
    const NOW: i64 = 1_790_000_000;

    fn record(number: &str) -> Value {
        json!({
            "instance_id": "i-1", "metering_sn": number, "usage_value": "1.5",
            "record_time": "20260921T140000Z", "begin_time": "20260921T130000Z",
            "end_time": "20260921T140000Z",
        })
    }

    #[test]
    fn a_record_counts_once() {
        let mut book = UsageStore::default();
        let taken = book.receive(UsageForm::New, &[record("1"), record("2"), record("1")], NOW);
        assert_eq!((taken.counted, taken.repeated, taken.abnormal.len()), (2, 1, 0));
        assert_eq!(book.records()[0].count, 2);
        let mut other = record("1");
        other["usage_value"] = json!("2");
        let taken = book.receive(UsageForm::New, &[other], NOW);
        assert_eq!(taken.abnormal[0].error_code, "MKT.9002");
        assert_eq!((book.violations(), book.records().len()), (1, 2));
    }

    #[test]
    fn the_old_form_has_no_number() {
        let mut book = UsageStore::default();
        let mut old = record("1");
        old["product_id"] = json!("P");
        old.as_object_mut().unwrap().remove("metering_sn");
        assert_eq!(book.receive(UsageForm::Old, &[old.clone(), old], NOW).counted, 2);
        assert_eq!(book.receive(UsageForm::Old, &[record("1")], NOW).abnormal.len(), 1);
    }

    #[test]
    fn wrong_records_are_named() {
        let mut book = UsageStore::default();
        for (name, value, code) in [
            ("instance_id", json!(""), "MKT.9002"),
            ("metering_sn", json!("9".repeat(65)), "MKT.9002"),
            ("begin_time", json!("20260831T140000Z"), "MKT.9004"),
            ("begin_time", json!("2026-09-21"), "MKT.9002"),
            ("end_time", json!("20260921T120000Z"), "MKT.9002"),
            ("usage_value", json!("0"), "MKT.9002"),
            ("usage_value", json!("1.00001"), "MKT.9002"),
            ("usage_value", json!("-1"), "MKT.9002"),
        ] {
            let mut wrong = record("1");
            wrong[name] = value;
            let taken = book.receive(UsageForm::New, &[record("2"), wrong], NOW);
            assert_eq!(
                (taken.abnormal[0].index, taken.abnormal[0].error_code),
                (1, code),
                "{name}"
            );
        }
        assert_eq!(book.records().len(), 1);
        assert!(is_amount("12.3456") && is_amount("0.0001") && !is_amount("1e3"));
    }
}
