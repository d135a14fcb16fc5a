//! Authorization codes that the marketplace sold: a program may use one in place of an activation
//! code of ours. It is activated once, becomes an instance that the usual rules decide, and is asked
//! about at the first use of each day. What is stored counts while the marketplace is silent.

mod ask;
pub(crate) mod begin;
pub(crate) mod finish;
pub(crate) mod stored_code;

use std::time::Duration;

use license_core::Timestamp;
use license_core::api::{self, LicenseAnswer, LicenseRequest};
use license_core::issuing_rules::InstanceState;
use serde::Deserialize;

use super::client_license::issue::ClientLicense;
use super::client_license::refusals::order_pending;
use super::issuance::{count, state};
use super::{App, paging, views};
use crate::error::ApiError;
use crate::outbound::circuit_breaker::Permit;
use crate::store::{CodeQuery, CodeRow, CodeState, Instance, StoreError};

use begin::{BeginUse, CodeStep, QueryPermission};
use stored_code::instance_of;

/// What one program's request goes through at most: activate, heartbeat, use, and what others do
/// meanwhile.
const MAX_ROUNDS: u32 = 8;
/// How long until it is looked again whether another server has activated a code.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// The longest code.
const MAX_CODE_LENGTH: usize = koogallery::license_code::CODE_LIMIT;

/// Which codes to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CodeFilter {
    pub(crate) state: Option<String>,
    pub(crate) instance_id: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

/// Whether the text has the form of the marketplace's codes.
pub(super) fn looks_sold(code: &str, prefixes: &[String]) -> bool {
    let fits =
        (1..=MAX_CODE_LENGTH).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic());
    let begins = |prefix: &String| {
        code.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    fits && prefixes.iter().any(begins)
}

/// Whether a program's code is one that the marketplace sold.
pub(super) fn is_sold(app: &App, code: &str) -> bool {
    looks_sold(code, &app.code_prefixes)
}

/// Gives a program its license for a code that the marketplace sold.
pub(super) async fn license(
    app: &App,
    code: &str,
    request: LicenseRequest,
) -> Result<LicenseAnswer, ApiError> {
    let mut patient = true;
    for _ in 0..MAX_ROUNDS {
        let (permission, probing) = query_permit(app);
        let command = BeginUse { code: code.to_owned(), permission };
        let step = app.writer.write(command).await?;
        if probing && !matches!(step, CodeStep::Activate { .. } | CodeStep::Heartbeat { .. }) {
            app.breaker.cancel_probe();
        }
        match step {
            CodeStep::Use { under_way: true, .. } if patient => {
                // Its outcome may be that the code ended.
                app.context.code_lookups.wait(code).await;
                patient = false;
            }
            CodeStep::Use { activation_code, .. } => {
                let code = activation_code
                    .parse()
                    .map_err(|_| StoreError::Broken("an activation code".to_owned()))?;
                return Ok(app.writer.write(ClientLicense { code, request }).await?);
            }
            CodeStep::Wait => {
                app.context.code_lookups.wait(code).await;
                // Another server may be asking, and its end wakes nothing here.
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            CodeStep::Refuse(error) => return Err(error),
            CodeStep::Activate { since, again, attempts } => {
                ask::activate(app, code, since, again, attempts).await?;
            }
            CodeStep::Heartbeat { attempts } => {
                ask::heartbeat(app, code, attempts).await;
                patient = false;
            }
        }
    }
    Err(order_pending())
}

/// Whether the marketplace may be asked, and whether the question would be a probe.
fn query_permit(app: &App) -> (QueryPermission, bool) {
    if app.marketplace.is_none() {
        return (QueryPermission::NotConfigured, false);
    }
    match app.breaker.permit(app.context.now_ms()) {
        Permit::Go => (QueryPermission::Granted, false),
        Permit::Probe => (QueryPermission::Granted, true),
        Permit::Rest => (QueryPermission::Paused, false),
    }
}

/// Codes in their order.
pub(crate) async fn list(app: &App, filter: &CodeFilter) -> Result<Vec<api::CodeView>, ApiError> {
    let states = "activating, active, expired, released";
    let query = CodeQuery {
        state: views::state_filter(filter.state.as_deref(), states)?,
        instance_id: filter.instance_id.clone(),
        after: filter.after.clone(),
        limit: paging::limit(filter.limit)?,
    };
    let mut tx = app.store.read().await?;
    let codes = tx.codes(&query).await?;
    let ids: Vec<&str> = codes.iter().filter_map(|row| row.instance_id.as_deref()).collect();
    let instances = tx.instances_with(&ids).await?;
    let of = |row: &CodeRow| {
        let id = row.instance_id.as_ref()?;
        instances.iter().find(|instance| instance.id == *id)
    };
    Ok(codes.iter().map(|row| view(row, of(row))).collect())
}

/// One code.
pub(crate) async fn find(app: &App, code: &str) -> Result<api::CodeView, ApiError> {
    let mut tx = app.store.read().await?;
    match tx.code(code).await? {
        Some(row) => Ok(view(&row, instance_of(&mut *tx, &row).await?.as_ref())),
        None => Err(views::not_found("code", "授权码")),
    }
}

impl From<CodeState> for api::CodeStatus {
    fn from(state: CodeState) -> Self {
        match state {
            CodeState::Activating => Self::Activating,
            CodeState::Active => Self::Active,
            CodeState::Expired => Self::Expired,
            CodeState::Released => Self::Released,
        }
    }
}

fn view(row: &CodeRow, instance: Option<&Instance>) -> api::CodeView {
    let frozen = instance.is_some_and(|i| state(i) == InstanceState::Frozen);
    api::CodeView {
        code: row.code.clone(),
        state: if frozen { api::CodeStatus::Frozen } else { row.state.into() },
        instance_id: row.instance_id.clone().map(Into::into),
        order_id: instance.map(|instance| instance.order_id.clone()),
        market_product: instance.and_then(|instance| instance.market_product.clone()),
        product: instance.and_then(|instance| instance.product.clone()),
        quantity: instance.and_then(|instance| instance.quantity).map(count),
        expires: views::moment(instance.and_then(|instance| instance.expires)),
        used_since: Timestamp::from_secs(row.used_since),
        activated_at: views::moment(row.activated_at),
        heartbeat_at: views::moment(row.beaten_at),
        error_code: row.last_code.clone(),
        error: row.last_message.clone(),
        answer: row.answer.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sold_codes_begin_as_the_marketplaces_do() {
        let prefixes = ["PL".to_owned()];
        for code in ["PLXXXXXX", "PL1", "pl-0_1", &format!("PL{}", "A".repeat(62))] {
            assert!(looks_sold(code, &prefixes), "{code}");
        }
        for code in ["", "P", "ZZZZ", "PL 1", "PL\u{7}", "PL字", &format!("PL{}", "A".repeat(63))]
        {
            assert!(!looks_sold(code, &prefixes), "{code:?}");
        }
        assert!(!looks_sold("PLXXXXXX", &[]), "nobody sells codes");
    }
}
