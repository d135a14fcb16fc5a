//! Makes licenses: the claims, the signature, the rows, and the upload to the marketplace.

use license_core::armor::{STRING_LIMIT, license_file};
use license_core::issue::{SignError, seal};
use license_core::issuing_rules::Validity;
use license_core::jws::{DocType, Sealed};
use license_core::license::License;
use license_core::product::LicenseForm;
use license_core::time::DAY;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::decide::{Grant, SeatAllocation};
use crate::app::event::Event;
use crate::app::order_terms;
use crate::app::transaction::UnitOfWork;
use crate::store::{
    Instance, LicenseRow, LicenseState, ListKey, Machine, StoreError, Tx, UploadRow, UploadState,
};

impl From<SignError> for StoreError {
    /// A license that cannot be signed leaves nothing behind, like one that cannot be written.
    fn from(error: SignError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// The claims that a license of this instance has now; its id, its time and its machine are
/// filled in when it is signed.
fn claims(work: &UnitOfWork<'_>, instance: &Instance, grant: &Grant) -> License {
    let terms = &grant.product.license;
    let perpetual = grant.validity.expires.is_none();
    let by_use = order_terms::is_by_use(instance) == Some(true);
    License {
        issuer: work.context.issuer.clone(),
        issued_at: work.now,
        instance: instance.id.clone(),
        id: String::new(),
        not_before: grant.validity.not_before,
        expires: grant.validity.expires,
        product: grant.product.id.clone(),
        customer: instance.customer.clone().unwrap_or_default(),
        kind: terms.kind,
        trial: instance.trial.unwrap_or_default(),
        entitlements: terms.granted(),
        versions: terms.versions.clone(),
        // From the day it was bought, so that asking again does not prolong it. Use that is
        // paid by quantity includes what is released meanwhile.
        maintenance_until: terms.maintenance_days.filter(|_| perpetual && !by_use).map(|days| {
            license_core::Timestamp::from_secs(instance.created_at).plus(i64::from(days) * DAY)
        }),
        grace_secs: i64::from(terms.grace_days) * DAY,
        seats: grant.seats,
        binding: None,
    }
}

/// What a license grants, as a digest: while it stays the same, asking again gives the same one.
pub(crate) fn terms(work: &UnitOfWork<'_>, instance: &Instance, grant: &Grant) -> Vec<u8> {
    let claims = claims(work, instance, grant);
    let text = json!([
        claims.issuer,
        claims.product,
        claims.customer,
        claims.kind,
        claims.trial,
        claims.seats,
        claims.entitlements,
        claims.versions,
        claims.maintenance_until,
        claims.grace_secs,
        claims.expires,
    ]);
    Sha256::digest(text.to_string()).to_vec()
}

/// Issues the license that was granted; a new machine takes its seat with it.
pub(crate) async fn issue(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    instance: &mut Instance,
    grant: &Grant,
    event: Option<&str>,
) -> Result<(LicenseRow, License), StoreError> {
    let now = work.now.as_secs();
    let (machine, binding) = match &grant.seat {
        SeatAllocation::Unbound => (None, None),
        SeatAllocation::Known { machine, binding, .. } => {
            (Some(machine.id.clone()), Some(binding.clone()))
        }
        SeatAllocation::New { binding, digests } => {
            let machine = Machine {
                id: work.context.id(),
                instance_id: instance.id.clone(),
                binding: serde_json::to_string(binding)
                    .map_err(|error| StoreError::Broken(error.to_string()))?,
                by_code: event.is_none(),
                enrolled_at: now,
                freed_at: None,
            };
            tx.add_machine(&machine, digests).await?;
            tx.add_machines_used(&instance.id, 1).await?;
            instance.machines_used += 1;
            (Some(machine.id), Some(binding.clone()))
        }
    };

    let mut license = claims(work, instance, grant);
    license.id = work.context.id();
    license.binding = binding;
    let document = seal(DocType::License, &license, &work.context.issuing)?;
    let Validity { not_before, expires } = grant.validity;
    let row = LicenseRow {
        id: license.id.clone(),
        instance_id: instance.id.clone(),
        machine_id: machine,
        event_id: event.map(str::to_owned),
        product: license.product.clone(),
        issued_at: now,
        not_before: not_before.map(license_core::Timestamp::as_secs),
        expires: expires.map(license_core::Timestamp::as_secs),
        grace: license.grace_secs,
        terms: terms(work, instance, grant),
        document,
        state: LicenseState::Active,
        reason: None,
        changed_at: now,
    };
    tx.add_license(&row).await?;
    work.publish(Event::Issued { license: row.id.clone(), instance: row.instance_id.clone() });
    Ok((row, license))
}

/// Queues a license for the marketplace, as text where it fits.
pub(crate) async fn send(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    event: &str,
    form: LicenseForm,
    (row, license): &(LicenseRow, License),
) -> Result<(), StoreError> {
    let as_text = form == LicenseForm::String && row.document.len() <= STRING_LIMIT;
    let file = (!as_text).then(|| license_file(&row.document, license).into_bytes());
    let upload = UploadRow {
        id: work.context.id(),
        event_id: event.to_owned(),
        instance_id: row.instance_id.clone(),
        license_id: row.id.clone(),
        file,
        state: UploadState::Queued,
        attempts: 0,
        unanswered: false,
        next_at: work.now.as_secs(),
        last_code: None,
        last_message: None,
        queued_at: work.now.as_secs(),
        finished_at: None,
        lease_owner: None,
    };
    tx.add_upload(&upload).await?;
    work.publish(Event::UploadQueued);
    Ok(())
}

/// The claims inside of a document that we signed ourselves.
pub(crate) fn reopen(document: &str) -> Result<License, StoreError> {
    let payload = Sealed::parse(DocType::License, document).and_then(|sealed| sealed.payload());
    payload
        .and_then(|payload| License::from_payload(&payload))
        .map_err(|refusal| StoreError::Broken(format!("a stored license: {}", refusal.code())))
}

/// Takes a license back that was never sent, and its machine's seat unless something else
/// still runs there.
pub(crate) async fn take_back(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    license: &LicenseRow,
) -> Result<(), StoreError> {
    let now = work.now.as_secs();
    tx.put_license_state(&license.id, LicenseState::Revoked, Some("superseded"), now).await?;
    tx.mark_list(&ListKey::revocation()).await?;
    if let Some(machine) = &license.machine_id
        && tx.machine_licenses(machine).await? == 0
        && tx.free_machine(machine, now).await?
    {
        tx.add_machines_used(&license.instance_id, -1).await?;
    }
    Ok(())
}
