//! Licenses as operators see them, and what they may do about one.

use license_core::issuing_rules::{LicenseStatus, OperatorAction, apply_action};
use license_core::jws::{DocType, Sealed};
use license_core::license::License;
use license_core::{Code, Lang, Refusal, api, armor};
use serde::Deserialize;

use super::audit::entry::{Actor, AuditEntry};
use super::command::{Command, Failed};
use super::transaction::UnitOfWork;
use super::{App, paging, views};
use crate::error::ApiError;
use crate::store::{Footprint, InstanceState, LicenseQuery, LicenseRow, LicenseState, ListKey, Tx};

/// Characters of a program's nonce.
const NONCE_LIMIT: usize = 128;

/// Which licenses to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LicenseFilter {
    pub(crate) instance_id: Option<String>,
    pub(crate) machine_id: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

/// An operator suspends, reinstates or revokes a license.
pub(crate) struct ChangeLicenseStatus {
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) instance: String,
    pub(crate) intervention: OperatorAction,
    pub(crate) by: Actor,
}

impl Command for ChangeLicenseStatus {
    type Output = LicenseRow;
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.instance(&self.instance);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let instance = tx.instance(&self.instance).await?;
        let (Some(mut row), Some(instance)) = (tx.license(&self.id).await?, instance) else {
            return Err(not_found().into());
        };
        let frozen = instance.state == InstanceState::Frozen;
        let before = standing(&row);
        let Some(after) = apply_action(before, frozen, self.intervention) else {
            return Err(revoked().into());
        };
        if after == before {
            return Ok(row);
        }
        let (state, reason) = match after {
            LicenseStatus::Active => (LicenseState::Active, None),
            LicenseStatus::Frozen => (LicenseState::Suspended, Some("freeze")),
            LicenseStatus::Suspended => (LicenseState::Suspended, Some("operator")),
            LicenseStatus::Revoked => (LicenseState::Revoked, Some("operator")),
        };
        let now = work.now.as_secs();
        tx.put_license_state(&row.id, state, reason, now).await?;
        tx.mark_list(&ListKey::revocation()).await?;
        let action = match self.intervention {
            OperatorAction::Suspend => "license.suspend",
            OperatorAction::Reinstate => "license.reinstate",
            OperatorAction::Revoke => "license.revoke",
        };
        let put = AuditEntry::new(action, &self.by).about("instance", &row.instance_id);
        work.audit(put.about("license", &row.id));
        row.state = state;
        row.reason = reason.map(str::to_owned);
        row.changed_at = now;
        Ok(row)
    }
}

fn standing(row: &LicenseRow) -> LicenseStatus {
    match (row.state, row.reason.as_deref()) {
        (LicenseState::Active, _) => LicenseStatus::Active,
        (LicenseState::Suspended, Some("operator")) => LicenseStatus::Suspended,
        (LicenseState::Suspended, _) => LicenseStatus::Frozen,
        (LicenseState::Revoked, _) => LicenseStatus::Revoked,
    }
}

/// Nothing leads back from there.
fn revoked() -> ApiError {
    ApiError::new(
        Code::Conflict,
        "the license is revoked for good: a program that asks again is given another one",
        "该许可证已被永久吊销：程序重新请求时会获得新的许可证",
    )
}

fn not_found() -> ApiError {
    views::not_found("license", "许可证")
}

/// What a program asks by is no nonce.
pub(super) fn check_nonce(nonce: &str) -> Result<(), ApiError> {
    if (1..=NONCE_LIMIT).contains(&nonce.chars().count()) {
        return Ok(());
    }
    Err(ApiError::new(
        Code::RequestInvalid,
        format!("`nonce` has 1 to {NONCE_LIMIT} characters"),
        format!("nonce 须为 1 到 {NONCE_LIMIT} 个字符"),
    ))
}

/// The license inside of what a program sent.
fn read(text: &str) -> Result<(String, License), Refusal> {
    let block = armor::read(text.as_bytes())?
        .into_iter()
        .find(|block| block.label == armor::Label::License)
        .ok_or(Refusal::Malformed("no license in the text"))?;
    let payload = Sealed::parse(DocType::License, &block.document)?.payload()?;
    let license = License::from_payload(&payload)?;
    Ok((block.document, license))
}

fn unreadable(refusal: &Refusal) -> ApiError {
    ApiError::new(refusal.code(), refusal.message(Lang::En), refusal.message(Lang::Zh))
}

/// What a program sent as a proof was never issued here.
pub(super) fn not_ours() -> ApiError {
    ApiError::new(
        Code::SignatureInvalid,
        "this server issued no such license",
        "该许可证并非由本服务器签发",
    )
    .with_status(403)
}

/// The license that a program proves something by, as text or as the whole text of its file.
pub(super) async fn proven(app: &App, text: &str) -> Result<LicenseRow, ApiError> {
    let (document, license) = read(text).map_err(|refusal| unreadable(&refusal))?;
    let found = app.store.read().await?.license(&license.id).await?;
    // What was signed here is kept here: the very same text is ours, and nothing else is.
    found.filter(|row| row.document == document).ok_or_else(not_ours)
}

/// Licenses in the order they were issued.
pub(crate) async fn list(
    app: &App,
    filter: &LicenseFilter,
) -> Result<Vec<api::LicenseView>, ApiError> {
    let query = LicenseQuery {
        instance_id: filter.instance_id.clone(),
        machine_id: filter.machine_id.clone(),
        product: filter.product.clone(),
        state: views::state_filter(filter.state.as_deref(), "active, suspended, revoked")?,
        after: filter.after.clone(),
        limit: paging::limit(filter.limit)?,
    };
    let mut tx = app.store.read().await?;
    Ok(tx.licenses(&query).await?.iter().map(views::license).collect())
}

/// One license with its document.
pub(crate) async fn find(app: &App, id: &str) -> Result<api::LicenseView, ApiError> {
    let row = app.store.read().await?.license(id).await?.ok_or_else(not_found)?;
    Ok(api::LicenseView { document: Some(row.document.clone()), ..views::license(&row) })
}

/// Suspends, reinstates or revokes a license; the list that says so is signed anew at once.
pub(crate) async fn change_status(
    app: &App,
    id: &str,
    intervention: OperatorAction,
) -> Result<api::LicenseView, ApiError> {
    let row = app.store.read().await?.license(id).await?.ok_or_else(not_found)?;
    let put = ChangeLicenseStatus {
        id: row.id,
        instance: row.instance_id,
        intervention,
        by: Actor::caller(),
    };
    let row = app.writer.write(put).await?;
    Ok(views::license(&row))
}
