//! Order notifications: stored once for each order line, until a worker has read the order.

use koogallery::call::OrderNotify;
use koogallery::order::Order;
use koogallery::{Answer, Failure, Remedy};
use license_core::{Timestamp, api};
use serde::Deserialize;

use super::command::Command;
use super::event::Event;
use super::issuance::count;
use super::order_terms::{goods_of, line_of};
use super::transaction::UnitOfWork;
use super::{App, paging, views};
use crate::error::ApiError;
use crate::store::{Footprint, NoticeQuery, NoticeRow, NoticeState, StoreError, Tx};

/// Seconds after which another server may read the order of a notification: above the time-out of
/// one request, and below the 30 s within which the work of a dead server is to be taken over.
const QUERY_LEASE: i64 = 20;
/// Refusals that do not count yet: an order that was just placed may not be there.
const MAX_DOUBTED_REFUSALS: i64 = 3;

/// 订单通知.
pub(crate) struct ReceiveNotice(pub(crate) OrderNotify);

impl Command for ReceiveNotice {
    type Output = Answer;
    type Error = StoreError;

    fn footprint(&self, footprint: &mut Footprint) {
        if !self.0.test {
            footprint.name("notice", &format!("{}/{}", self.0.order_id, self.0.order_line_id));
        }
    }

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<Answer, StoreError> {
        let call = &self.0;
        if !call.test {
            let now = work.now.as_secs();
            tx.put_notice(&call.order_id, &call.order_line_id, now).await?;
            work.publish(Event::Noticed);
        }
        Ok(Answer::success())
    }
}

/// Takes notifications whose order is to be read.
pub(crate) struct ClaimNotices {
    pub(crate) limit: i64,
}

impl Command for ClaimNotices {
    type Output = Vec<NoticeRow>;
    type Error = StoreError;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, StoreError> {
        let now = work.now.as_secs();
        tx.claim_notices(now, self.limit, now + QUERY_LEASE).await
    }
}

/// A question about a notification's order ended.
#[derive(Clone)]
pub(crate) struct FinishNotice {
    pub(crate) row: NoticeRow,
    pub(crate) outcome: Result<Order, Failure>,
    /// After a failure: when to ask again.
    pub(crate) next_at: i64,
}

impl Command for FinishNotice {
    type Output = ();
    type Error = StoreError;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.name("notice", &format!("{}/{}", self.row.order_id, self.row.line_id));
    }

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        let mut row = self.row.clone();
        let order = match &self.outcome {
            Ok(order) => order,
            Err(failure) => {
                let refused =
                    failure.remedy == Remedy::GiveUp && row.attempts >= MAX_DOUBTED_REFUSALS;
                row.state = if refused { NoticeState::Failed } else { NoticeState::Queued };
                row.next_at = self.next_at;
                row.last_code = Some(failure.code.clone());
                row.last_message = Some(failure.message.clone());
                return tx.put_notice_read(&row).await;
            }
        };
        row.state = NoticeState::Read;
        row.read_at = Some(work.now.as_secs());
        row.last_code = None;
        row.last_message = None;
        row.order_type = Some(order.order_type.as_str().to_owned());
        if let Some(line) = line_of(order, &row.line_id, None) {
            let (goods, _) = goods_of(tx, line, None).await?;
            row.market_product = goods.map(|goods| goods.product_id.clone());
            row.sku = goods.and_then(|goods| goods.sku_code.clone());
            row.quantity = goods.map(|goods| i64::from(goods.quantity()));
            row.expires = line.expire_time;
        }
        tx.put_notice_read(&row).await
    }
}

/// Which notifications to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NoticeFilter {
    pub(crate) order_id: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) limit: Option<u32>,
}

/// Notifications, newest first.
pub(crate) async fn list(
    app: &App,
    filter: &NoticeFilter,
) -> Result<Vec<api::NoticeView>, ApiError> {
    let query = NoticeQuery {
        order_id: filter.order_id.clone(),
        state: views::state_filter(filter.state.as_deref(), "queued, read, failed")?,
        limit: paging::limit(filter.limit)?,
    };
    let mut tx = app.store.read().await?;
    let mut notices = Vec::new();
    for row in tx.notices(&query).await? {
        let instance = tx.instance_of_order(&row.order_id, &row.line_id).await?;
        notices.push(view(row, instance.map(|instance| instance.id)));
    }
    Ok(notices)
}

impl From<NoticeState> for api::NoticeStatus {
    fn from(state: NoticeState) -> Self {
        match state {
            NoticeState::Queued => Self::Queued,
            NoticeState::Read => Self::Read,
            NoticeState::Failed => Self::Failed,
        }
    }
}

fn view(row: NoticeRow, instance_id: Option<String>) -> api::NoticeView {
    let error = row.last_code.as_deref().map(|code| {
        koogallery::failure::meaning(code).map_or_else(
            || format!("{code}: {}", row.last_message.as_deref().unwrap_or_default()),
            |(en, zh)| format!("{code}: {en} / {zh}"),
        )
    });
    api::NoticeView {
        order_id: row.order_id,
        order_line_id: row.line_id,
        state: row.state.into(),
        instance_id: instance_id.map(Into::into),
        order_type: row.order_type,
        market_product: row.market_product,
        sku: row.sku,
        quantity: row.quantity.map(count),
        expires: views::moment(row.expires),
        error,
        received_at: Timestamp::from_secs(row.received_at),
        repeated_at: Timestamp::from_secs(row.repeated_at),
    }
}
