//! `/api/v1/keys`: the public halves of the signing keys.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::route::{Route, VIEWER};
use super::schema::reference;
use crate::http::HttpState;

pub(super) const ROUTES: &[Route] = &[Route::get("/api/v1/keys", VIEWER, || get(list))
    .summary("The public halves of the signing keys (RFC 7517)")
    .answers(200, key_set)];

/// A schema by hand: the members of a key belong to RFC 7517.
fn key_set(components: &mut Map<String, Value>) -> Value {
    let keys = json!({ "type": "array", "items": { "type": "object" } });
    let schema = json!({ "type": "object", "required": ["keys"], "properties": { "keys": keys } });
    components.insert("KeySet".to_owned(), schema);
    reference("KeySet")
}

async fn list(State(state): State<HttpState>) -> Response {
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], state.app.jwks().await).into_response()
}
