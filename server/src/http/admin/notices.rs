//! `/api/v1/notices`

use axum::Json;
use axum::extract::State;
use license_core::api::NoticeView;

use super::super::{App, query::Parameters};
use crate::desk::NoticeFilter;
use crate::error::ApiError;

pub(super) async fn list(
    State(app): State<App>,
    Parameters(filter): Parameters<NoticeFilter>,
) -> Result<Json<Vec<NoticeView>>, ApiError> {
    app.desk.notices(&filter).await.map(Json)
}
