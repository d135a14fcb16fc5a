//! Errors as `application/problem+json` (RFC 9457), in both languages.

use std::any::Any;

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use license_core::api::Problem;
use license_core::{Code, Lang};

use crate::error::ApiError;

pub(super) const MEDIA_TYPE: &str = "application/problem+json";

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let problem = Problem {
            kind: "about:blank".to_owned(),
            title: self.code.message(Lang::En).to_owned(),
            title_zh: self.code.message(Lang::Zh).to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            detail_zh: self.detail_zh,
            code: self.code,
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The fallback for paths without a route.
pub(super) async fn not_found(uri: Uri) -> ApiError {
    let path = shortened(uri.path());
    ApiError::new(
        Code::NotFound,
        format!("There is nothing at {path}. The admin listener's /openapi.json lists its routes."),
        format!("路径 {path} 不存在。管理端口的 /openapi.json 列出了全部路由。"),
    )
}

/// The fallback for a method that the route does not have.
pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let path = shortened(uri.path());
    ApiError::new(
        Code::RequestInvalid,
        format!("{path} does not take {method}; the Allow header says what it takes."),
        format!("{path} 不接受 {method} 方法；可用方法见 Allow 响应头。"),
    )
    .with_status(405)
}

/// The answer of a handler that panicked; the panic hook has logged where.
pub(super) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::defect().into_response()
}

/// The path is the client's text and may be long.
fn shortened(path: &str) -> String {
    path.chars().take(80).collect()
}
