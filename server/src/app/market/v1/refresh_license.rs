//! `refreshLicense`: the License that follows the one that `getLicense` gave.

use koogallery::Answer;
use koogallery::call::RefreshInstance;
use license_core::Timestamp;
use license_core::issuing_rules::OrderTerms;

use super::purchase::{event_of, grant, with_license};
use crate::app::command::Failed;
use crate::app::issuance::count;
use crate::app::issuance::issue;
use crate::app::transaction::UnitOfWork;
use crate::store::{Instance, StoreError, Tx};

/// Answers a refresh that was made, with the new License where there was one before and one may
/// be given. A re-send gets the same.
pub(crate) async fn renew(
    tx: &mut dyn Tx,
    work: &mut UnitOfWork<'_>,
    instance: &mut Instance,
    call: &RefreshInstance,
) -> Result<Answer, StoreError> {
    // An instance that was sold with seats for machines gets no License that runs anywhere.
    if tx.license_of_event(&instance.id, &event_of(&instance.order_id)).await?.is_none() {
        return Ok(Answer::success());
    }
    let event = format!("renewal:{}:{}", call.order_id, call.expires);
    if let Some(given) = tx.license_of_event(&instance.id, &event).await? {
        return Ok(with_license(instance.id.clone(), given.document));
    }
    let order = OrderTerms {
        quantity: count(instance.quantity.unwrap_or_default()),
        expires: Some(Timestamp::from_secs(call.expires)),
        period: true,
        trial: instance.trial.unwrap_or_default(),
    };
    let grant = match grant(tx, work, instance, &order, Some(call.expires)).await {
        Ok(grant) => grant,
        // Frozen, or over already: the new end counts all the same.
        Err(Failed::Refused(_)) => return Ok(Answer::success()),
        Err(Failed::Store(error)) => return Err(error),
    };
    let (license, _) = issue(tx, work, instance, &grant, Some(&event)).await?;
    Ok(with_license(instance.id.clone(), license.document))
}
