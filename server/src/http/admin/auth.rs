//! Lets nobody through who has not shown a token with the role that the route asks for.

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use license_core::Code;

use super::super::HttpState;
use super::routes::{self, Access};
use crate::app::{Role, audit};
use crate::error::ApiError;

/// The role of whoever asks, for handlers that show more to some than to others.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Caller(pub(in crate::http) Role);

impl Caller {
    /// Whether shared credentials such as activation codes may be shown.
    pub(super) fn sees_credentials(self) -> bool {
        self.0 >= Role::Operator
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Missing only if a handler asks on a route that is open.
        parts.extensions.get().copied().ok_or_else(|| ApiError::plain(Code::Unauthorized))
    }
}

/// The middleware around every route of the table.
pub(super) async fn admit(
    State(state): State<HttpState>,
    matched: MatchedPath,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    // A path of ours under another method: the fallback answers 405, and needs no token for it.
    let Some(route) = routes::find(request.method(), matched.as_str()) else {
        return Ok(next.run(request).await);
    };
    let Access::From(least) = route.access else { return Ok(next.run(request).await) };

    let token = bearer(request.headers()).ok_or_else(|| {
        ApiError::new(
            Code::Unauthorized,
            "Send a token: Authorization: Bearer licd_… (the first one is in the data folder's \
             file admin-token).",
            "请携带令牌：Authorization: Bearer licd_…（首个令牌在数据目录的 admin-token 文件中）。",
        )
    })?;
    let (id, role) = state.app.caller(token).await?.ok_or_else(|| {
        ApiError::new(Code::Unauthorized, "This token is not known here.", "此令牌不属于本服务器。")
    })?;
    if role < least {
        return Err(ApiError::new(
            Code::Forbidden,
            format!("This needs the role {}; the token has {}.", least.as_str(), role.as_str()),
            format!("此操作需要 {} 角色，当前令牌为 {}。", least.as_str(), role.as_str()),
        ));
    }
    request.extensions_mut().insert(Caller(role));
    Ok(audit::on_behalf_of(id, next.run(request)).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
