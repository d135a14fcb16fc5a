//! `/api/v1/notices`

use axum::Json;
use axum::extract::State;
use license_core::api::NoticeView;

use super::super::{HttpState, query::Parameters};
use crate::app::NoticeFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(state): State<HttpState>,
    Parameters(filter): Parameters<NoticeFilter>,
) -> Result<Json<Vec<NoticeView>>, ApiError> {
    state.app.notices(&filter).await.map(Json)
}
