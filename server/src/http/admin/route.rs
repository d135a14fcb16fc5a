//! One row of the admin API: a method of a path, who may call it, its handler, and how the
//! `OpenAPI` document describes it.

use axum::http::Method;
use axum::routing::MethodRouter;

use super::schema::SchemaFn;
use crate::http::HttpState;
use crate::store::Role;

/// The largest body of the admin API: a release list that was signed elsewhere, with room.
pub(super) const MAX_BODY_BYTES: usize = 512 * 1024;

/// Who may call a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::http) enum Access {
    /// Everyone who reaches the listener: the answer holds nothing of a customer.
    Open,
    /// Bearers of a token with this role or a higher one.
    From(Role),
}

pub(super) const VIEWER: Access = Access::From(Role::Viewer);
pub(super) const OPERATOR: Access = Access::From(Role::Operator);
pub(super) const ADMIN: Access = Access::From(Role::Admin);

/// The handler of a row. A function, because a `MethodRouter` cannot be a constant.
type HandlerFn = fn() -> MethodRouter<HttpState>;

/// One method of one path.
pub(in crate::http) struct Route {
    pub(in crate::http) method: Method,
    pub(in crate::http) path: &'static str,
    pub(in crate::http) access: Access,
    pub(super) handler: HandlerFn,
    /// One line for the `OpenAPI` document.
    pub(super) summary: &'static str,
    /// Query parameters that may be given.
    pub(super) query: &'static [&'static str],
    /// The schema of the request's JSON body.
    pub(super) body: Option<SchemaFn>,
    pub(super) status: u16,
    /// The schema of the JSON answer.
    pub(super) answer: Option<SchemaFn>,
}

impl Route {
    pub(super) const fn get(path: &'static str, access: Access, handler: HandlerFn) -> Self {
        Self::new(Method::GET, path, access, handler)
    }

    pub(super) const fn post(path: &'static str, access: Access, handler: HandlerFn) -> Self {
        Self::new(Method::POST, path, access, handler)
    }

    pub(super) const fn put(path: &'static str, access: Access, handler: HandlerFn) -> Self {
        Self::new(Method::PUT, path, access, handler)
    }

    const fn new(method: Method, path: &'static str, access: Access, handler: HandlerFn) -> Self {
        Self {
            method,
            path,
            access,
            handler,
            summary: "",
            query: &[],
            body: None,
            status: 200,
            answer: None,
        }
    }

    pub(super) const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    pub(super) const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    pub(super) const fn body(mut self, schema: SchemaFn) -> Self {
        self.body = Some(schema);
        self
    }

    pub(super) const fn answers(mut self, status: u16, schema: SchemaFn) -> Self {
        self.status = status;
        self.answer = Some(schema);
        self
    }
}
