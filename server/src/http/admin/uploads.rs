//! `/api/v1/uploads`, and `/api/v1/restore`: uploads are held after a restore.

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use license_core::api::{QueuesView, RestoreView, UploadView};

use super::route::{OPERATOR, Route, VIEWER};
use super::schema::{list_of, of};
use crate::app::restore_hold;
use crate::app::uploads::{self, UploadFilter};
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::query::{PathName, QueryParameters};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/uploads", VIEWER, || get(list))
        .summary("Licenses on their way to the marketplace")
        .query(&["instance_id", "state", "after", "limit"])
        .answers(200, list_of::<UploadView>),
    Route::post("/api/v1/uploads/retry", OPERATOR, || post(retry_all))
        .summary("Try again with credentials that the marketplace refused: one question decides")
        .answers(200, of::<QueuesView>),
    Route::post("/api/v1/uploads/{id}/retry", OPERATOR, || post(retry))
        .summary("Try an upload again now")
        .answers(200, of::<UploadView>),
    Route::get("/api/v1/restore", VIEWER, || get(restored))
        .summary("Whether uploads wait because the database was restored")
        .answers(200, of::<RestoreView>),
    Route::post("/api/v1/restore/confirm", OPERATOR, || post(confirm_restore))
        .summary("Let uploads go on after a restore")
        .answers(200, of::<RestoreView>),
];

async fn list(
    State(state): State<HttpState>,
    QueryParameters(filter): QueryParameters<UploadFilter>,
) -> Result<Json<Vec<UploadView>>, ApiError> {
    uploads::list(&state.app, &filter).await.map(Json)
}

async fn retry(
    State(state): State<HttpState>,
    PathName(id): PathName,
) -> Result<Json<UploadView>, ApiError> {
    uploads::retry(&state.app, &id).await.map(Json)
}

async fn retry_all(State(state): State<HttpState>) -> Result<Json<QueuesView>, ApiError> {
    uploads::retry_all(&state.app).await.map(Json)
}

async fn restored(State(state): State<HttpState>) -> Result<Json<RestoreView>, ApiError> {
    restore_hold::state(&state.app).await.map(Json)
}

async fn confirm_restore(State(state): State<HttpState>) -> Result<Json<RestoreView>, ApiError> {
    restore_hold::confirm(&state.app).await.map(Json)
}
