//! Authorization codes that the marketplace sold: a program may use one in place of an activation
//! code of ours. It is activated once, becomes an instance that the usual rules decide, and is asked
//! about at the first use of each day. What is stored counts while the marketplace is silent.

mod ask;
mod begin;
mod finish;

use std::time::Duration;

use license_core::api::{self, LicenseAnswer, LicenseRequest};
use license_core::issuing_rules::{Denial, InstanceState};
use license_core::{Code, Timestamp};
use serde::Deserialize;

pub(crate) use begin::{BeginCode, Leave, Step, terms};
pub(crate) use finish::{EndActivation, EndBeat, set_end};

use super::client_license::{ClientLicense, code_unknown, deny, order_pending};
use super::issuance::{count, state};
use super::{App, paging, views};
use crate::error::ApiError;
use crate::outbound::circuit_breaker::Permit;
use crate::store::{CodeQuery, CodeRow, CodeState, Instance, StoreError, Tx};

/// How long one question may take before others ask: above every time-out of the way out.
pub(super) const ASKING: i64 = 60;
/// What one program's request goes through at most: activate, heartbeat, use, and what others do
/// meanwhile.
const ROUNDS: u32 = 8;
/// How long until it is looked again whether another server has activated a code.
const LOOK: Duration = Duration::from_millis(200);
/// The longest code.
const LIMIT: usize = koogallery::license_code::CODE_LIMIT;

/// Which codes to list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CodeFilter {
    pub(crate) state: Option<String>,
    pub(crate) instance_id: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

/// The code's instance, unless the code waits for the marketplace's first answer.
pub(super) async fn instance_of(
    tx: &mut dyn Tx,
    row: &CodeRow,
) -> Result<Option<Instance>, StoreError> {
    let Some(id) = &row.instance_id else { return Ok(None) };
    let instance = tx.instance(id).await?;
    instance.map(Some).ok_or_else(|| StoreError::Broken("a code without its instance".to_owned()))
}

/// Whether nobody but the marketplace can have made this text.
pub(super) fn looks_sold(code: &str, prefixes: &[String]) -> bool {
    let fits = (1..=LIMIT).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic());
    let begins = |prefix: &String| {
        code.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    fits && prefixes.iter().any(begins)
}

impl App {
    /// Whether a program's code is one that the marketplace sold.
    pub(super) fn is_sold_code(&self, code: &str) -> bool {
        looks_sold(code, &self.code_prefixes)
    }

    /// Gives a program its license for a code that the marketplace sold.
    pub(super) async fn sold_license(
        &self,
        code: &str,
        request: LicenseRequest,
    ) -> Result<LicenseAnswer, ApiError> {
        let mut patient = true;
        for _ in 0..ROUNDS {
            let (leave, probing) = self.leave_to_ask();
            let command = BeginCode { code: code.to_owned(), leave };
            let step = self.writer.write(command).await?;
            if probing && !matches!(step, Step::Activate { .. } | Step::Beat { .. }) {
                self.breaker.cancel_probe();
            }
            match step {
                Step::Use { under_way: true, .. } if patient => {
                    // Its outcome may be that the code ended.
                    self.context.asking.wait(code).await;
                    patient = false;
                }
                Step::Use { activation_code, .. } => {
                    let code = activation_code
                        .parse()
                        .map_err(|_| StoreError::Broken("an activation code".to_owned()))?;
                    return Ok(self.writer.write(ClientLicense { code, request }).await?);
                }
                Step::Wait => {
                    self.context.asking.wait(code).await;
                    // Another server may be asking: of that nobody tells here.
                    tokio::time::sleep(LOOK).await;
                }
                Step::Refuse(error) => return Err(error),
                Step::Activate { since, again, attempts } => {
                    self.activated(code, since, again, attempts).await?;
                }
                Step::Beat { attempts } => {
                    self.beaten(code, attempts).await;
                    patient = false;
                }
            }
        }
        Err(order_pending())
    }

    /// Whether the marketplace may be asked, and whether the question would be a probe.
    fn leave_to_ask(&self) -> (Leave, bool) {
        if self.marketplace.is_none() {
            return (Leave::Never, false);
        }
        match self.breaker.permit(self.context.now_ms()) {
            Permit::Go => (Leave::Ask, false),
            Permit::Probe => (Leave::Ask, true),
            Permit::Rest => (Leave::NotNow, false),
        }
    }

    /// Codes in their order.
    pub(crate) async fn codes(&self, filter: &CodeFilter) -> Result<Vec<api::CodeView>, ApiError> {
        let state = filter.state.as_deref().map(|word| {
            word.parse().map_err(|()| views::unknown_state("activating, active, expired, released"))
        });
        let query = CodeQuery {
            state: state.transpose()?,
            instance_id: filter.instance_id.clone(),
            after: filter.after.clone(),
            limit: paging::limit(filter.limit)?,
        };
        let mut tx = self.store.read().await?;
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
    pub(crate) async fn code(&self, code: &str) -> Result<api::CodeView, ApiError> {
        let mut tx = self.store.read().await?;
        match tx.code(code).await? {
            Some(row) => Ok(view(&row, instance_of(&mut *tx, &row).await?.as_ref())),
            None => Err(views::not_found("code", "授权码")),
        }
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

/// The program's refusal where the marketplace refused its code.
pub(super) fn refused(failure: &koogallery::Failure) -> ApiError {
    match failure.code.as_str() {
        "92020004" => ApiError::new(
            Code::OrderPending,
            "the buyer has to receive this code in the marketplace's console first",
            "请先在云商店控制台领取该授权码",
        )
        .with_status(503)
        .retry_after(60),
        _ => code_unknown(),
    }
}

/// The program's refusal of a code that was given back.
pub(super) fn given_back() -> ApiError {
    deny(Denial::Released)
}

/// Whether the code may still change by the marketplace's calls.
pub(super) fn is_live(row: &CodeRow) -> bool {
    matches!(row.state, CodeState::Active | CodeState::Expired)
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
