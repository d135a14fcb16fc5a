//! Instances for operators: listed, shown, and given another activation code.

use std::collections::HashMap;
use std::sync::Arc;

use koogallery::retry::refund;
use license_core::activation_code::ActivationCode;
use license_core::product::Product;
use license_core::{Code, Timestamp, api};
use serde::Deserialize;

use super::audit::entry::{Actor, AuditEntry};
use super::command::{Command, Failed};
use super::context::Context;
use super::issuance::{count, limit_of, product_of, state};
use super::refund_warnings::edition_of;
use super::transaction::UnitOfWork;
use super::{App, paging, views};
use crate::error::ApiError;
use crate::store::{
    Footprint, Instance, InstanceQuery, InstanceState, LicenseQuery, OrderRow, StoreError, Tx, Wait,
};

/// Licenses and applications shown with one instance; the rest is in their own lists.
const WITH_INSTANCE: i64 = 1000;

/// Which instances to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InstanceFilter {
    pub(crate) order_id: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

/// Instances as they are shown, with their orders and waiting applications: a fixed number of
/// statements, however many they are.
async fn shown(
    tx: &mut dyn Tx,
    context: &Context,
    instances: &[Instance],
) -> Result<Vec<api::InstanceView>, StoreError> {
    let ids: Vec<&str> = instances.iter().map(|instance| instance.id.as_str()).collect();
    let waits: HashMap<String, Wait> =
        tx.waits_of(&ids).await?.into_iter().map(|w| (w.instance_id.clone(), w)).collect();
    // They are in order: the newest one stays.
    let pending: HashMap<String, OrderRow> =
        tx.pending_orders(&ids).await?.into_iter().map(|o| (o.instance_id.clone(), o)).collect();
    let mut products: HashMap<&str, Option<Arc<Product>>> = HashMap::new();
    for instance in instances {
        if let Some(id) = instance.product.as_deref()
            && !products.contains_key(id)
        {
            products.insert(id, product_of(tx, context, instance).await?);
        }
    }
    let view = |instance: &Instance| {
        let product = instance.product.as_deref().and_then(|id| products.get(id)?.as_deref());
        let wait = waits.get(&instance.id);
        view(instance, product, wait, pending.get(&instance.id), context.now().as_secs())
    };
    Ok(instances.iter().map(view).collect())
}

fn view(
    instance: &Instance,
    product: Option<&Product>,
    wait: Option<&Wait>,
    pending: Option<&OrderRow>,
    now: i64,
) -> api::InstanceView {
    let order_state = match (&instance.quantity, product) {
        (None, _) => api::OrderStatus::Waiting,
        (Some(_), None) => api::OrderStatus::ProductUnknown,
        (Some(_), Some(_)) => api::OrderStatus::Read,
    };
    let limit = product.filter(|_| instance.quantity.is_some()).map(|p| limit_of(instance, p));
    let live = instance.state != InstanceState::Released;
    let unread = live && instance.quantity.is_none();
    let waits_since = wait.filter(|_| live).map(|wait| wait.since);
    let refund = refund(edition_of(instance.first_edition));
    api::InstanceView {
        instance_id: instance.id.clone().into(),
        order_id: instance.order_id.clone(),
        order_line_id: instance.line_id.clone(),
        product: instance.product.clone(),
        state: state(instance),
        activation_code: instance.activation_code.clone(),
        machines: api::SeatCount { used: count(instance.machines_used), limit },
        expires: views::moment(instance.expires),
        order_state,
        order_error: pending.and_then(|order| {
            let code = order.last_code.as_deref()?;
            let meaning = koogallery::failure::meaning(code);
            Some(match meaning {
                Some((en, zh)) => format!("{code}: {en} / {zh}"),
                None => format!("{code}: {}", order.last_message.as_deref().unwrap_or_default()),
            })
        }),
        unserved: count(wait.map_or(0, |wait| wait.kept)),
        refund_at: unread.then(|| refund.ends(instance.created_at)).map(Timestamp::from_secs),
        refund_seconds_left: unread
            .then(|| refund.left(instance.created_at, now))
            .map(i64::unsigned_abs),
        waiting_since: views::moment(waits_since),
        waiting_seconds: waits_since.map(|since| now.saturating_sub(since).max(0).unsigned_abs()),
        created_at: Timestamp::from_secs(instance.created_at),
    }
}

/// An operator gives an instance another activation code, because the one it had is known to
/// strangers.
pub(crate) struct RotateCode {
    pub(crate) id: String,
    pub(crate) by: Actor,
}

impl Command for RotateCode {
    type Output = ();
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.instance(&self.id);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let Some(instance) = tx.instance(&self.id).await? else {
            return Err(views::not_found("instance", "实例").into());
        };
        if instance.state == InstanceState::Released {
            return Err(ApiError::new(
                Code::Conflict,
                "the instance is released: no code opens it any more",
                "实例已释放：其激活码均已失效",
            )
            .into());
        }
        let code = ActivationCode::from_random(work.context.random()).to_string();
        tx.put_activation_code(&self.id, &code).await?;
        work.audit(AuditEntry::new("instance.rotate-code", &self.by).about("instance", &self.id));
        Ok(())
    }
}

/// Instances in the order of their ids.
pub(crate) async fn list(
    app: &App,
    filter: &InstanceFilter,
) -> Result<Vec<api::InstanceView>, ApiError> {
    let state = filter.state.as_deref().map(str::parse).transpose().map_err(|()| {
        ApiError::new(
            Code::RequestInvalid,
            "`state` is one of active, frozen, released",
            "state 须为以下之一：active、frozen、released",
        )
    })?;
    let query = InstanceQuery {
        order_id: filter.order_id.clone(),
        product: filter.product.clone(),
        state,
        after: filter.after.clone(),
        limit: paging::limit(filter.limit)?,
    };
    let mut tx = app.store.read().await?;
    let found = tx.instances(&query).await?;
    Ok(shown(&mut *tx, &app.context, &found).await?)
}

/// One instance with its licenses and the applications that could not be served yet.
pub(crate) async fn find(app: &App, id: &str) -> Result<api::InstanceDetail, ApiError> {
    let mut tx = app.store.read().await?;
    let Some(instance) = tx.instance(id).await? else {
        return Err(views::not_found("instance", "实例"));
    };
    let kept = tx.kept_applications(id, None, WITH_INSTANCE).await?;
    let query = LicenseQuery {
        instance_id: Some(id.to_owned()),
        machine_id: None,
        product: None,
        state: None,
        after: None,
        limit: WITH_INSTANCE,
    };
    let licenses = tx.licenses(&query).await?;
    let mut views = shown(&mut *tx, &app.context, &[instance]).await?;
    Ok(api::InstanceDetail {
        instance: views.remove(0),
        licenses: licenses.iter().map(views::license).collect(),
        applications: kept.iter().map(views::application).collect(),
    })
}

/// Gives an instance another activation code; licenses that were issued stay what they are.
pub(crate) async fn rotate_code(app: &App, id: &str) -> Result<api::InstanceDetail, ApiError> {
    app.writer.write(RotateCode { id: id.to_owned(), by: Actor::caller() }).await?;
    find(app, id).await
}
