//! A program reports metered usage. Its license proves which instance it belongs to.

use koogallery::Edition;
use koogallery::usage::InvalidRecord;
use license_core::api::{UsageAccepted, UsageAnswer, UsageRecord, UsageReport};
use license_core::issue::{ListSequences, receipt};
use license_core::metering::{Metering, UsageDenial};
use license_core::{Code, Lang, Timestamp};
use sha2::{Digest, Sha256};

use super::push::{PushUsage, RecordSource, within_limits};
use crate::app::client_license::refusals;
use crate::app::command::{Command, Failed};
use crate::app::issuance::state;
use crate::app::transaction::UnitOfWork;
use crate::app::{App, licenses, order_terms, views};
use crate::error::ApiError;
use crate::store::{Footprint, LicenseRow, LicenseState, StoreError, Tx, UsageRow};

/// Characters of a program's number, and of the entitlement's name.
const NAME_LIMIT: usize = 64;

/// Records of one program, its license found.
pub(crate) struct ReportUsage {
    license: String,
    instance: String,
    /// What each record is use of.
    entitlements: Vec<String>,
    push: PushUsage,
}

impl Command for ReportUsage {
    type Output = Vec<UsageRow>;
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        self.push.footprint(footprint);
        footprint.instance(&self.instance);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        // Both may have changed since the license was found.
        let license = tx.license(&self.license).await?;
        let instance = tx.instance(&self.instance).await?;
        let (Some(license), Some(instance)) = (license, instance) else {
            return Err(licenses::not_ours().into());
        };
        let product = tx.product(&license.product).await?;
        let product = product.map(|row| work.context.terms_of(row)).transpose()?;
        let metering = Metering {
            instance: state(&instance),
            revoked: license.state == LicenseState::Revoked,
            suspended: license.state == LicenseState::Suspended,
            not_before: views::moment(license.not_before),
            ends: views::moment(license.expires.map(|at| at.saturating_add(license.grace))),
            metered: product.as_ref().and_then(|product| product.license.metered.as_deref()),
            by_use: order_terms::is_by_use(&instance),
        };
        for (i, entitlement) in self.entitlements.iter().enumerate() {
            if let Err(denial) = metering.admit(entitlement, work.now) {
                return Err(denied(i, &denial).into());
            }
        }
        if work.context.usage_edition == Edition::V1 && instance.market_product.is_none() {
            return Err(refusals::order_pending().into());
        }
        self.push.run(tx, work).await
    }
}

/// By what the marketplace knows a record: the same whatever license the machine has meanwhile, and
/// another one for every machine, so that two programs that count from 1 do not meet. Licenses that
/// are bound to no machine share their instance's numbers.
fn metering_sn(license: &LicenseRow, number: &str) -> String {
    let mut digest = Sha256::new();
    for part in [&license.instance_id, license.machine_id.as_deref().unwrap_or_default(), number] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

/// What is refused before anything is looked up.
fn check(report: &UsageReport) -> Result<(), ApiError> {
    licenses::check_nonce(&report.nonce)?;
    within_limits(report.records.len())?;
    for (i, record) in report.records.iter().enumerate() {
        for (member, text) in [("number", &record.number), ("entitlement", &record.entitlement)] {
            let characters = text.chars().count();
            let plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
            if characters == 0 || characters > NAME_LIMIT || (member == "number" && !plain) {
                let (en, zh) = (
                    format!("it has 1 to {NAME_LIMIT} characters, and a number no blanks"),
                    format!("长度须为1到{NAME_LIMIT}个字符，编号不得包含空白"),
                );
                return Err(RecordSource::Program.invalid(i, &InvalidRecord::of(member, en, zh)));
            }
        }
    }
    Ok(())
}

fn denied(i: usize, denial: &UsageDenial) -> ApiError {
    let (mut en, mut zh) = (denial.message(Lang::En), denial.message(Lang::Zh));
    if matches!(denial, UsageDenial::OtherEntitlement { .. }) {
        let place = RecordSource::Program.place(i, "entitlement");
        (en, zh) = (format!("{place}: {en}"), format!("{place}：{zh}"));
    }
    let error = ApiError::new(denial.code(), en, zh);
    if denial.code() == Code::NotMetered { error } else { error.with_status(403) }
}

/// Keeps what a program used, and sends it on; `body` is the report as it came.
pub(crate) async fn accept(
    app: &App,
    report: &UsageReport,
    body: &[u8],
) -> Result<UsageAnswer, ApiError> {
    let answer = accept_unmeasured(app, report, body).await;
    let result = answer.as_ref().map_or_else(|error| error.code, |_| Code::Ok);
    metrics::counter!("licd_client_usage_total", "code" => result.as_str()).increment(1);
    answer
}

async fn accept_unmeasured(
    app: &App,
    report: &UsageReport,
    body: &[u8],
) -> Result<UsageAnswer, ApiError> {
    check(report)?;
    let row = licenses::proven(app, &report.license).await?;
    let now = app.context.now();
    let names = |number: &str| metering_sn(&row, number);
    let command = ReportUsage {
        push: PushUsage::reported(&report.records, &row, names, now.as_secs())?,
        entitlements: report.records.iter().map(|record| record.entitlement.clone()).collect(),
        license: row.id,
        instance: row.instance_id,
    };
    let rows = app.writer.write(command).await?;
    let accepted = |(record, row): (&UsageRecord, UsageRow)| UsageAccepted {
        number: record.number.clone(),
        usage_id: row.id,
    };
    Ok(UsageAnswer {
        records: report.records.iter().zip(rows).map(accepted).collect(),
        receipt: usage_receipt(app, now, &report.nonce, body)?,
    })
}

fn usage_receipt(
    app: &App,
    now: Timestamp,
    nonce: &str,
    body: &[u8],
) -> Result<String, StoreError> {
    let context = &app.context;
    // It was read as JSON, so it is text.
    let body = std::str::from_utf8(body);
    let body = body.map_err(|error| StoreError::Broken(error.to_string()))?;
    let lists = ListSequences::default();
    Ok(receipt(&context.issuer, now, nonce, body, lists, &context.issuing)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(instance: &str, machine: Option<&str>) -> LicenseRow {
        LicenseRow {
            id: "l-1".to_owned(),
            instance_id: instance.to_owned(),
            machine_id: machine.map(str::to_owned),
            event_id: None,
            product: "flowsim".to_owned(),
            issued_at: 0,
            not_before: None,
            expires: None,
            grace: 0,
            terms: Vec::new(),
            document: String::new(),
            state: LicenseState::Active,
            reason: None,
            changed_at: 0,
        }
    }

    /// A new license of the same machine names a record as the old one did; others never meet.
    #[test]
    fn a_number_is_a_machines_own() {
        let name = metering_sn(&row("i", Some("m")), "1");
        assert_eq!(name.len(), 64);
        let newer = LicenseRow { id: "l-2".to_owned(), ..row("i", Some("m")) };
        assert_eq!(metering_sn(&newer, "1"), name);
        for (license, number) in [
            (row("i", Some("m")), "2"),
            (row("i", Some("n")), "1"),
            (row("j", Some("m")), "1"),
            (row("i", None), "1"),
            (row("im", None), "1"),
            (row("i", Some("m1")), ""),
        ] {
            assert_ne!(metering_sn(&license, number), name);
        }
    }
}
