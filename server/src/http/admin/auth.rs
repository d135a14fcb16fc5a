//! Bearer tokens: the guard of each route, and the caller that it hands to the handlers.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use license_core::Code;

use crate::app::audit;
use crate::app::tokens;
use crate::error::ApiError;
use crate::http::HttpState;
use crate::store::Role;

/// The role of the token that the request carried, for handlers that conceal credentials.
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
        // Absent only where a route of `Access::Open` has a handler that extracts it.
        parts.extensions.get().copied().ok_or_else(|| ApiError::plain(Code::Unauthorized))
    }
}

/// The middleware around a route that asks for a role: refuses a request without a token of it.
pub(super) async fn admit(
    State((state, least)): State<(HttpState, Role)>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let token = bearer(request.headers()).ok_or_else(|| {
        ApiError::new(
            Code::Unauthorized,
            "Send a token: Authorization: Bearer licd_… (the first one is in the data folder's \
             file admin-token).",
            "请携带令牌：Authorization: Bearer licd_…（首个令牌在数据目录的 admin-token 文件中）。",
        )
    })?;
    let (id, role) = tokens::caller(&state.app, token).await?.ok_or_else(|| {
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
    // The audit entry of a command names the token of the task that runs it.
    Ok(audit::entry::on_behalf_of(id, next.run(request)).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
