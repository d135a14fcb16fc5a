//! Usage: what is accepted, which records travel together, what an answer changes, and what an
//! operator may do.

pub(crate) mod push;
pub(crate) mod push_batch;
mod record;
pub(crate) mod report;

use koogallery::failure;
use license_core::{Code, Timestamp, api};
use serde::Deserialize;

use super::audit::entry::{Actor, AuditEntry};
use super::command::{Command, Failed};
use super::event::Event;
use super::transaction::UnitOfWork;
use super::{App, issuance, paging, views};
use crate::error::ApiError;
use crate::store::{Tx, UsageQuery, UsageRow, UsageState};
use push::PushUsage;

/// An operator has a record sent again.
pub(crate) struct RetryUsage {
    pub(crate) id: String,
    pub(crate) by: Actor,
}

impl Command for RetryUsage {
    type Output = UsageRow;
    type Error = Failed;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let Some(mut row) = tx.usage_record(&self.id).await? else {
            return Err(views::not_found("record of usage", "使用量记录").into());
        };
        // What may have been taken twice was taken.
        let may = match row.state {
            UsageState::Failed | UsageState::Queued => true,
            UsageState::Unclear => row.last_code.is_some(),
            UsageState::Sending | UsageState::Delivered => false,
        };
        if !may {
            let state = api::UsageStatus::from(row.state);
            return Err(ApiError::new(
                Code::Conflict,
                format!("the record is {state}: there is nothing to try again"),
                format!("使用量记录状态为 {state}：无需重试"),
            )
            .into());
        }
        row.state = UsageState::Queued;
        row.next_at = work.now.as_secs();
        row.finished_at = None;
        tx.put_usage(&row).await?;
        work.audit(AuditEntry::new("usage.retry", &self.by).about("usage", &row.id));
        work.publish(Event::UsageQueued);
        Ok(row)
    }
}

/// Which records to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UsageFilter {
    pub(crate) instance_id: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

impl From<UsageState> for api::UsageStatus {
    fn from(state: UsageState) -> Self {
        match state {
            UsageState::Failed => Self::Refused,
            // Operators need not see whether a server is sending it at this moment.
            UsageState::Sending | UsageState::Queued => Self::Queued,
            UsageState::Delivered => Self::Delivered,
            UsageState::Unclear => Self::Unclear,
        }
    }
}

/// The states of a filter, in the order in which a refusal names them.
const FILTER_STATES: [UsageState; 4] =
    [UsageState::Queued, UsageState::Delivered, UsageState::Failed, UsageState::Unclear];

/// A record as it is listed.
fn view(row: &UsageRow) -> api::UsageView {
    let code = row.last_code.as_deref();
    let explain = |meaning| views::explanation(meaning, row.last_message.as_deref());
    let twice = row.state == UsageState::Unclear && code.is_none();
    let meaning = if twice {
        Some((
            "an earlier attempt got no answer, and the old form has no number: the marketplace may \
             have counted it twice",
            "此前一次发送未收到应答，且旧版接口没有流水号：云商店可能重复计量",
        ))
    } else {
        code.and_then(|code| own_meaning(code).or_else(|| failure::meaning(code)))
    };
    api::UsageView {
        usage_id: row.id.clone(),
        metering_sn: row.metering_sn.clone(),
        instance_id: row.instance_id.clone().into(),
        license_id: row.license_id.clone().map(Into::into),
        number: row.number.clone(),
        begin_time: Timestamp::from_secs(row.begin_time),
        end_time: Timestamp::from_secs(row.end_time),
        usage_value: row.usage_value.clone(),
        state: row.state.into(),
        attempts: issuance::count(row.attempts),
        error_code: row.last_code.clone(),
        error: explain(meaning.map(|(en, _)| en)),
        error_zh: explain(meaning.map(|(_, zh)| zh)),
        next_at: (row.state == UsageState::Queued).then(|| Timestamp::from_secs(row.next_at)),
        created_at: Timestamp::from_secs(row.queued_at),
    }
}

/// What the codes mean that are ours and not the marketplace's.
fn own_meaning(code: &str) -> Option<(&'static str, &'static str)> {
    match code {
        push_batch::TOO_OLD => Some((
            "it could not be sent within 21 days, and the marketplace takes no older usage",
            "21天内未能发送，云商店不再接收",
        )),
        push_batch::NO_PRODUCT => Some((
            "the old form names the marketplace's product, and the instance's order was not read",
            "旧版接口需要云商店商品ID，而该实例的订单尚未读取",
        )),
        _ => None,
    }
}

/// Accepts usage; as many records are answered, in the same order.
pub(crate) async fn accept(
    app: &App,
    push: api::UsagePush,
) -> Result<Vec<api::UsageView>, ApiError> {
    let command = PushUsage::read(push, app.context.now().as_secs())?;
    let rows = app.writer.write(command).await?;
    Ok(rows.iter().map(view).collect())
}

/// Records in the order they came.
pub(crate) async fn list(app: &App, filter: &UsageFilter) -> Result<Vec<api::UsageView>, ApiError> {
    let query = UsageQuery {
        state: views::status_filter::<_, api::UsageStatus>(
            filter.state.as_deref(),
            &FILTER_STATES,
        )?,
        instance_id: filter.instance_id.clone(),
        after: filter.after.clone(),
        limit: paging::limit(filter.limit)?,
    };
    let mut tx = app.store.read().await?;
    Ok(tx.usage_records(&query).await?.iter().map(view).collect())
}

/// Sends one again.
pub(crate) async fn retry(app: &App, id: &str) -> Result<api::UsageView, ApiError> {
    let row = app.writer.write(RetryUsage { id: id.to_owned(), by: Actor::caller() }).await?;
    Ok(view(&row))
}
