//! Rows as they are shown to operators.

use std::fmt::Display;
use std::str::FromStr;

use koogallery::failure;
use license_core::jws::{DocType, Sealed};
use license_core::{Code, Timestamp, api};

use crate::error::ApiError;
use crate::store::{
    Application, ApplicationState, LicenseRow, LicenseState, StoreError, UploadRow, UploadState,
};

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Disk(_)
            | StoreError::Unavailable(_)
            | StoreError::Slow(_)
            | StoreError::Contended(_) => Self::unavailable(&error),
            StoreError::Broken(_) | StoreError::Version(_) => Self::internal(&error),
        }
    }
}

/// The thing named in the path does not exist.
pub(crate) fn not_found(what: &str, zh: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("there is no such {what}"), format!("{zh}不存在"))
}

/// The product named does not exist.
pub(crate) fn product_unknown(id: &str) -> ApiError {
    ApiError::new(
        Code::ProductUnknown,
        format!("there is no product {id:?}: apply its file with `licctl product apply`"),
        format!("产品 {id:?} 不存在：请先用 licctl product apply 配置"),
    )
}

/// The state that the query parameter `state` names, where rows and filters have the same words.
pub(crate) fn state_filter<State: FromStr>(
    word: Option<&str>,
    states: &str,
) -> Result<Option<State>, ApiError> {
    word.map(|word| word.parse().map_err(|_| unknown_state(states))).transpose()
}

/// The same where operators read the rows' states as a `Status` with words of its own.
pub(crate) fn status_filter<State: Copy, Status: From<State> + Display>(
    word: Option<&str>,
    states: &[State],
) -> Result<Option<State>, ApiError> {
    // The word in the database, taken as well.
    let word = word.map(|word| if word == "failed" { "refused" } else { word });
    let shown = |state: &State| Status::from(*state).to_string();
    let find = |word: &str| states.iter().copied().find(|state| shown(state) == word);
    let unknown = || unknown_state(&states.iter().map(shown).collect::<Vec<_>>().join(", "));
    word.map(|word| find(word).ok_or_else(unknown)).transpose()
}

/// What a code of the marketplace means, and what the marketplace wrote beside it.
pub(crate) fn explanation(meaning: Option<&str>, written: Option<&str>) -> Option<String> {
    match (meaning, written.filter(|text| !text.is_empty())) {
        (Some(meaning), Some(written)) => Some(format!("{meaning} ({written})")),
        (meaning, written) => meaning.or(written).map(str::to_owned),
    }
}

fn unknown_state(states: &str) -> ApiError {
    ApiError::new(
        Code::RequestInvalid,
        format!("`state` is one of {states}"),
        format!("state 须为以下之一：{states}"),
    )
}

/// A moment that may be absent.
pub(crate) fn moment(at: Option<i64>) -> Option<Timestamp> {
    at.map(Timestamp::from_secs)
}

/// Whether a license counts; one that a newer one replaced has a word of its own.
fn license_status(row: &LicenseRow) -> api::IssuedLicenseStatus {
    match (row.state, row.reason.as_deref()) {
        (LicenseState::Revoked, Some("superseded")) => api::IssuedLicenseStatus::Superseded,
        (LicenseState::Revoked, _) => api::IssuedLicenseStatus::Revoked,
        (LicenseState::Active, _) => api::IssuedLicenseStatus::Active,
        (LicenseState::Suspended, _) => api::IssuedLicenseStatus::Suspended,
    }
}

/// A license as it is listed.
pub(crate) fn license(row: &LicenseRow) -> api::LicenseView {
    let kid = Sealed::parse(DocType::License, &row.document)
        .map(|sealed| sealed.kid().to_string())
        .unwrap_or_default();
    api::LicenseView {
        license_id: row.id.clone().into(),
        instance_id: row.instance_id.clone().into(),
        product: row.product.clone(),
        machine_id: row.machine_id.clone().map(Into::into),
        state: license_status(row),
        event_id: row.event_id.clone().map(Into::into),
        kid,
        not_before: moment(row.not_before),
        expires: moment(row.expires),
        issued_at: Timestamp::from_secs(row.issued_at),
        document: None,
    }
}

impl From<UploadState> for api::UploadStatus {
    fn from(state: UploadState) -> Self {
        match state {
            UploadState::Failed => Self::Refused,
            UploadState::Cancelled => Self::Superseded,
            // Operators need not see whether a server is sending it at this moment.
            UploadState::Sending | UploadState::Queued => Self::Queued,
            UploadState::Delivered => Self::Delivered,
            UploadState::Unclear => Self::Unclear,
        }
    }
}

impl From<ApplicationState> for api::ApplicationStatus {
    fn from(state: ApplicationState) -> Self {
        match state {
            ApplicationState::Waiting => Self::Waiting,
            ApplicationState::Held => Self::Held,
            ApplicationState::Served => Self::Served,
            ApplicationState::Superseded => Self::Superseded,
        }
    }
}

/// An upload as it is listed.
pub(crate) fn upload(row: &UploadRow) -> api::UploadView {
    let code = row.last_code.as_deref();
    let meaning = code.and_then(failure::meaning);
    let explain = |meaning| explanation(meaning, row.last_message.as_deref());
    api::UploadView {
        upload_id: row.id.clone(),
        event_id: row.event_id.clone().into(),
        instance_id: row.instance_id.clone().into(),
        license_id: row.license_id.clone().into(),
        state: row.state.into(),
        attempts: super::issuance::count(row.attempts),
        error_code: row.last_code.clone(),
        error: explain(meaning.map(|(en, _)| en)),
        error_zh: explain(meaning.map(|(_, zh)| zh)),
        next_at: (row.state == UploadState::Queued).then(|| Timestamp::from_secs(row.next_at)),
        created_at: Timestamp::from_secs(row.queued_at),
    }
}

/// A kept application as it is listed.
pub(crate) fn application(row: &Application) -> api::ApplicationView {
    let reason = match (row.state, &row.code) {
        (ApplicationState::Held, Some(code)) => {
            code.parse::<koogallery::ResultCode>().ok().map(|code| code.message().to_owned())
        }
        _ => None,
    };
    api::ApplicationView {
        event_id: row.event_id.clone().into(),
        state: row.state.into(),
        result_code: row.code.clone(),
        reason,
        created_at: Timestamp::from_secs(row.received_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_states_by_the_words_that_are_shown() {
        let states = [UploadState::Queued, UploadState::Failed, UploadState::Cancelled];
        let filter = |word| status_filter::<_, api::UploadStatus>(word, &states);
        for (word, state) in [
            (None, None),
            (Some("queued"), Some(UploadState::Queued)),
            (Some("refused"), Some(UploadState::Failed)),
            (Some("failed"), Some(UploadState::Failed)),
            (Some("superseded"), Some(UploadState::Cancelled)),
        ] {
            assert_eq!(filter(word).unwrap(), state, "{word:?}");
        }
        for word in ["cancelled", "sending", "Queued", ""] {
            let refusal = filter(Some(word)).unwrap_err();
            assert_eq!(refusal.detail, "`state` is one of queued, refused, superseded");
        }
    }
}
