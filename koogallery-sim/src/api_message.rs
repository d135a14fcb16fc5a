//! A request to an open interface, and its answer.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

/// An answer; almost always JSON.
#[derive(Debug)]
pub(crate) struct ApiAnswer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Where a browser is sent.
    pub(crate) location: Option<String>,
}

impl ApiAnswer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), location: None }
    }

    pub(crate) fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, value.to_string())
    }

    /// The code of the answer; empty where it has none.
    pub(crate) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let code = ["resultCode", "error_code", "error"].iter().find_map(|name| body.get(name));
        code.and_then(|code| code.as_str()).unwrap_or_default().to_owned()
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self { status: 302, body: Vec::new(), location: Some(location) }
    }
}

impl IntoResponse for ApiAnswer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = [(header::CONTENT_TYPE, "application/json;charset=UTF-8")];
        let mut response = (status, kind, self.body).into_response();
        if let Some(location) = self.location.and_then(|to| HeaderValue::try_from(to).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

pub(crate) struct ApiRequest<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}
