//! Query parameters and path parts, with problems instead of plain text when they are wrong.

use axum::extract::{FromRequestParts, Path, Query, rejection::QueryRejection};
use axum::http::request::Parts;
use license_core::Code;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// Query parameters.
pub(super) struct Parameters<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(ApiError::new(
                Code::RequestInvalid,
                "The query holds the character NUL.",
                "查询参数含有NUL字符。",
            ));
        }
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => {
                let cause: String = error.to_string().chars().take(200).collect();
                Err(ApiError::new(
                    Code::RequestInvalid,
                    format!("The query cannot be used: {cause}."),
                    format!("查询参数无效：{cause}。"),
                ))
            }
            Err(_) => Err(ApiError::plain(Code::RequestInvalid)),
        }
    }
}

/// The one name in a path.
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // A name that is no UTF-8, or has a NUL: nothing of ours is called that.
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) if name.len() <= 128 && !name.contains('\0') => Ok(Self(name)),
            _ => Err(ApiError::plain(Code::NotFound)),
        }
    }
}
