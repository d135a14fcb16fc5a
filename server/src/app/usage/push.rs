//! The command that accepts usage, from an operator or a program: every record of a call or none.

use std::collections::{HashMap, HashSet};

use koogallery::Edition;
use koogallery::usage::{InvalidRecord, RECORDS_LIMIT, Record};
use license_core::{Code, api};
use serde_json::Value;

use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::{Command, Failed};
use crate::app::event::Event;
use crate::app::transaction::UnitOfWork;
use crate::error::ApiError;
use crate::store::{Footprint, LicenseRow, Tx, UsageRow, UsageState};

/// Records that look right by themselves.
pub(crate) struct PushUsage {
    records: Vec<PushedRecord>,
    from: RecordSource,
    by: Actor,
}

/// How records came, so that a fault names its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RecordSource {
    /// One alone, from an operator.
    One,
    /// A list of an operator's.
    List,
    /// A program's report.
    Program,
}

/// A record; what was left out is filled in once it is known to be new.
struct PushedRecord {
    record: Record,
    /// The number was given, not made.
    numbered: bool,
    /// `record_time` was given, not made.
    timed: bool,
    /// The program's license and its own number of the record.
    reported: Option<(String, String)>,
}

impl PushUsage {
    /// Reads what was sent at `now`.
    pub(crate) fn read(push: api::UsagePush, now: i64) -> Result<Self, ApiError> {
        let (inputs, from) = match push {
            api::UsagePush::One(input) => (vec![*input], RecordSource::One),
            api::UsagePush::Many(inputs) => (inputs, RecordSource::List),
        };
        within_limits(inputs.len())?;
        let mut records = Vec::with_capacity(inputs.len());
        for (i, input) in inputs.into_iter().enumerate() {
            records.push(pushed(input, now).map_err(|error| from.invalid(i, &error))?);
        }
        Ok(Self { records, from, by: Actor::caller() })
    }

    /// Records that a program reported with its license; `names` makes the number by which the
    /// marketplace knows a record out of the program's own.
    pub(super) fn reported(
        records: &[api::UsageRecord],
        license: &LicenseRow,
        names: impl Fn(&str) -> String,
        now: i64,
    ) -> Result<Self, ApiError> {
        let from = RecordSource::Program;
        let mut read = Vec::with_capacity(records.len());
        for (i, record) in records.iter().enumerate() {
            let input = api::UsageInput {
                instance_id: license.instance_id.clone().into(),
                begin_time: record.begin_time,
                end_time: record.end_time,
                usage_value: record.usage_value.clone(),
                metering_sn: Some(names(&record.number)),
                record_time: None,
                relate_pkg_instance: None,
                product_id: None,
            };
            let mut pushed = pushed(input, now).map_err(|error| from.invalid(i, &error))?;
            pushed.reported = Some((license.id.clone(), record.number.clone()));
            read.push(pushed);
        }
        Ok(Self { records: read, from, by: Actor::Program })
    }
}

/// How many records a call may hold.
pub(super) fn within_limits(records: usize) -> Result<(), ApiError> {
    if (1..=RECORDS_LIMIT).contains(&records) {
        return Ok(());
    }
    Err(ApiError::new(
        Code::RequestInvalid,
        format!("a call holds 1 to {RECORDS_LIMIT} records of usage"),
        format!("每次须包含 1 到 {RECORDS_LIMIT} 条使用量记录"),
    ))
}

fn pushed(input: api::UsageInput, now: i64) -> Result<PushedRecord, InvalidRecord> {
    let text = match &input.usage_value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => {
            let (en, zh) = ("it is neither a text nor a number", "须为字符串或数字");
            return Err(InvalidRecord::of("usage_value", en, zh));
        }
    };
    let amount = text.parse().map_err(|error: koogallery::usage::InvalidAmount| {
        InvalidRecord::of("usage_value", error.to_string(), error.chinese())
    })?;
    Ok(PushedRecord {
        numbered: input.metering_sn.is_some(),
        timed: input.record_time.is_some(),
        reported: None,
        record: Record {
            instance_id: input.instance_id.into(),
            begin_time: input.begin_time.as_secs(),
            end_time: input.end_time.as_secs(),
            record_time: input.record_time.map_or(now, license_core::Timestamp::as_secs),
            amount,
            number: input.metering_sn.unwrap_or_default(),
            product_id: input.product_id,
            package: input.relate_pkg_instance,
        },
    })
}

impl RecordSource {
    const fn action(self) -> &'static str {
        match self {
            Self::One | Self::List => "usage.push",
            Self::Program => "usage.report",
        }
    }

    /// A member of the record at that place, as its sender wrote it.
    pub(super) fn place(self, i: usize, member: &str) -> String {
        match (self, member) {
            (Self::One, member) => member.to_owned(),
            (Self::List, member) => format!("[{i}].{member}"),
            (Self::Program, "metering_sn") => format!("records[{i}].number"),
            (Self::Program, member) => format!("records[{i}].{member}"),
        }
    }

    pub(super) fn invalid(self, i: usize, error: &InvalidRecord) -> ApiError {
        let place = self.place(i, error.member);
        ApiError::new(
            Code::RequestInvalid,
            format!("{place}: {}", error.message),
            format!("{place}：{}", error.message_zh),
        )
    }
}

impl PushedRecord {
    /// Whether it says the same as what was accepted under its number.
    fn is(&self, row: &UsageRow) -> bool {
        let record = &self.record;
        record.instance_id == row.instance_id
            && record.begin_time == row.begin_time
            && record.end_time == row.end_time
            && record.amount.to_string() == row.usage_value
            && record.product_id == row.product_id
            && record.package == row.package
            && (!self.timed || record.record_time == row.record_time)
    }

    fn row(&self, id: String, now: i64) -> UsageRow {
        let record = &self.record;
        UsageRow {
            metering_sn: if self.numbered { record.number.clone() } else { id.clone() },
            id,
            instance_id: record.instance_id.clone(),
            usage_value: record.amount.to_string(),
            begin_time: record.begin_time,
            end_time: record.end_time,
            record_time: record.record_time,
            product_id: record.product_id.clone(),
            package: record.package.clone(),
            state: UsageState::Queued,
            attempts: 0,
            unanswered: false,
            old_form: false,
            together: i64::try_from(RECORDS_LIMIT).unwrap_or(1),
            next_at: now,
            last_code: None,
            last_message: None,
            queued_at: now,
            finished_at: None,
            lease_owner: None,
            license_id: self.reported.as_ref().map(|(license, _)| license.clone()),
            number: self.reported.as_ref().map(|(_, number)| number.clone()),
        }
    }
}

impl Command for PushUsage {
    type Output = Vec<UsageRow>;
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        // Two servers never judge one number at the same time.
        footprint.name("usage", "numbers");
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let rows = self.decide(tx, work).await?;
        // Nothing is written before everything was judged.
        let mut queued: Vec<&UsageRow> = Vec::new();
        for row in rows.iter().filter(|row| row.attempts == 0) {
            if tx.add_usage(row).await? {
                queued.push(row);
            }
        }
        if let [first, ..] = queued[..] {
            let mut pushed =
                AuditEntry::new(self.from.action(), &self.by).about("usage", &first.id);
            if let Some(license) = &first.license_id {
                pushed = pushed.about("instance", &first.instance_id).about("license", license);
            }
            work.audit(pushed.about("count", queued.len().to_string()));
            work.publish(Event::UsageQueued);
        }
        Ok(rows)
    }
}

impl PushUsage {
    /// What each record is, or becomes.
    async fn decide(
        &self,
        tx: &mut dyn Tx,
        work: &UnitOfWork<'_>,
    ) -> Result<Vec<UsageRow>, Failed> {
        let now = work.now.as_secs();
        let mut known = HashSet::new();
        let mut fresh: HashMap<&str, UsageRow> = HashMap::new();
        let mut rows = Vec::with_capacity(self.records.len());
        for (i, pushed) in self.records.iter().enumerate() {
            let number = pushed.record.number.as_str();
            if pushed.numbered {
                let accepted = match fresh.get(number) {
                    Some(row) => Some(row.clone()),
                    None => tx.usage_of_number(number).await?,
                };
                if let Some(row) = accepted {
                    if !pushed.is(&row) {
                        return Err(self.conflict(i).into());
                    }
                    rows.push(row);
                    continue;
                }
            }
            let row = pushed.row(work.context.id(), now);
            let record = Record { number: row.metering_sn.clone(), ..pushed.record.clone() };
            if let Err(error) = record.check(now) {
                return Err(self.from.invalid(i, &error).into());
            }
            if !known.contains(&record.instance_id) {
                let Some(instance) = tx.instance(&record.instance_id).await? else {
                    return Err(self.no_instance(i).into());
                };
                let product =
                    pushed.record.product_id.as_ref().or(instance.market_product.as_ref());
                if work.context.usage_edition == Edition::V1 && product.is_none() {
                    let (en, zh) = (
                        "the old form needs it, and the instance's order was not read yet",
                        "旧版接口必填，且该实例的订单尚未读取",
                    );
                    let error = InvalidRecord::of("product_id", en, zh);
                    return Err(self.from.invalid(i, &error).into());
                }
                if instance.market_product.is_some() || work.context.usage_edition == Edition::V2 {
                    known.insert(record.instance_id);
                }
            }
            if pushed.numbered {
                fresh.insert(number, row.clone());
            }
            rows.push(row);
        }
        Ok(rows)
    }

    fn conflict(&self, i: usize) -> ApiError {
        let place = self.from.place(i, "metering_sn");
        ApiError::new(
            Code::Conflict,
            format!("{place}: this number was accepted with another content"),
            format!("{place}：该流水号已用于内容不同的记录"),
        )
    }

    fn no_instance(&self, i: usize) -> ApiError {
        let place = self.from.place(i, "instance_id");
        ApiError::new(
            Code::NotFound,
            format!("{place}: there is no such instance"),
            format!("{place}：实例不存在"),
        )
    }
}
