//! Extractors of query parameters and of the name in a path, which refuse with a problem.

use axum::extract::{FromRequestParts, Path, Query, rejection::QueryRejection};
use axum::http::request::Parts;
use license_core::Code;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// Query parameters.
pub(super) struct QueryParameters<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // PostgreSQL's TEXT cannot hold NUL: a filter with it is an error there, and none of SQLite.
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
pub(super) struct PathName(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // No id has such characters or length; a NUL would be an error of PostgreSQL.
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) if name.len() <= 128 && !name.contains('\0') => Ok(Self(name)),
            _ => Err(ApiError::plain(Code::NotFound)),
        }
    }
}
