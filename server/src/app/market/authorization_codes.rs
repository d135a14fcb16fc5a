//! `refreshLicenseCode`, `updateLicenseCodeStatus`, `releaseLicenseCode`: what the marketplace says
//! of its own authorization codes. A code that no program has used here is not known.

use koogallery::call::{RefreshLicenseCode, ReleaseLicenseCode, UpdateLicenseCodeStatus};
use koogallery::{Answer, Rejection, ResultCode};

use super::preconditions::first_use;
use super::release::give_back;
use super::status::put_status;
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::authorization_codes::stored_code::{instance_of, is_live, set_end, terms};
use crate::app::command::{Command, Failed};
use crate::app::issuance::reevaluate;
use crate::app::order_terms::product_of;
use crate::app::transaction::UnitOfWork;
use crate::store::{CodeRow, CodeState, Footprint, Instance, Terms, Tx};

/// 更新授权码有效期.
pub(crate) struct RefreshCode {
    pub(crate) call: RefreshLicenseCode,
    pub(crate) nonce: Vec<u8>,
}

/// 变更授权码状态.
pub(crate) struct SetCodeStatus {
    pub(crate) call: UpdateLicenseCodeStatus,
    pub(crate) nonce: Vec<u8>,
}

/// 释放授权码.
pub(crate) struct ReleaseCode {
    pub(crate) call: ReleaseLicenseCode,
    pub(crate) nonce: Vec<u8>,
}

fn unknown() -> Rejection {
    Rejection::new(
        ResultCode::InstanceUnknown,
        "the authorization code does not exist",
        "授权码不存在",
    )
}

/// Debugging has no way to make a code, so that each is taken for one.
async fn test_code(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    nonce: &[u8],
) -> Result<Answer, Failed<Rejection>> {
    first_use(tx, work, nonce).await?;
    Ok(Answer::success())
}

/// The code and its instance, unless it was never activated here or was given back.
async fn live(tx: &mut dyn Tx, code: &str) -> Result<(CodeRow, Instance), Failed<Rejection>> {
    let row = tx.code(code).await?.filter(is_live).ok_or_else(unknown)?;
    let instance = instance_of(tx, &row).await?.ok_or_else(unknown)?;
    Ok((row, instance))
}

impl Command for RefreshCode {
    type Output = Answer;
    type Error = Failed<Rejection>;

    fn footprint(&self, footprint: &mut Footprint) {
        if !self.call.test {
            footprint.name("code", &self.call.license);
        }
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Answer, Failed<Rejection>> {
        let call = &self.call;
        if call.test {
            return test_code(tx, work, &self.nonce).await;
        }
        let (mut row, mut instance) = live(tx, &call.license).await?;
        first_use(tx, work, &self.nonce).await?;

        let now = work.now.as_secs();
        if let Some(goods) = &call.product_id
            && instance.market_product.as_ref() != Some(goods)
        {
            instance.product = product_of(tx, goods, "").await?;
            instance.market_product = Some(goods.clone());
            instance.sku = None;
            let terms = Terms { period: true, ..terms(&instance) };
            tx.put_instance_terms(&instance.id, &terms, now).await?;
            instance.period = Some(true);
        }
        set_end(tx, &mut instance, call.expires, now).await?;
        if call.expires > now {
            row.state = CodeState::Active;
        }
        row.changed_at = now;
        tx.put_code(&row).await?;
        let refreshed = AuditEntry::new("instance.refresh", &Actor::Marketplace);
        let refreshed = refreshed.about("instance", &instance.id).about("order", &call.order_id);
        work.audit(refreshed.about("scene", call.scene.as_str()));
        reevaluate(tx, work, &mut instance, None).await?;
        Ok(Answer::success())
    }
}

impl Command for SetCodeStatus {
    type Output = Answer;
    type Error = Failed<Rejection>;

    fn footprint(&self, footprint: &mut Footprint) {
        if !self.call.test {
            footprint.name("code", &self.call.license);
        }
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Answer, Failed<Rejection>> {
        let call = &self.call;
        if call.test {
            return test_code(tx, work, &self.nonce).await;
        }
        let (mut row, mut instance) = live(tx, &call.license).await?;
        first_use(tx, work, &self.nonce).await?;

        put_status(tx, work, &mut instance, call.status).await?;
        row.changed_at = work.now.as_secs();
        tx.put_code(&row).await?;
        Ok(Answer::success())
    }
}

impl Command for ReleaseCode {
    type Output = Answer;
    type Error = Failed<Rejection>;

    fn footprint(&self, footprint: &mut Footprint) {
        if !self.call.test {
            footprint.name("code", &self.call.license);
        }
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Answer, Failed<Rejection>> {
        let call = &self.call;
        if call.test {
            return test_code(tx, work, &self.nonce).await;
        }
        // A second release is a success as well: the first answer may have been lost.
        let mut row = tx.code(&call.license).await?.ok_or_else(unknown)?;
        let mut instance = instance_of(tx, &row).await?.ok_or_else(unknown)?;
        first_use(tx, work, &self.nonce).await?;

        if row.state != CodeState::Released {
            row.state = CodeState::Released;
            row.changed_at = work.now.as_secs();
            tx.put_code(&row).await?;
            give_back(tx, work, &mut instance).await?;
        }
        Ok(Answer::success())
    }
}
