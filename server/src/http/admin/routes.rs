//! Every route of the admin listener: the one table from which the router, the guard and the
//! `OpenAPI` document are made. A route that is not in it does not exist.

use axum::http::Method;
use axum::routing::{MethodRouter, get, post, put};

use super::super::App;
use super::{
    audit, instances, keys, kit, licenses, logins, metrics, openapi, products, releases, tokens,
    uploads,
};
use crate::desk::Role;

/// Who may use a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::http) enum Access {
    /// Everybody who reaches the listener: nothing of a customer's is in it.
    Open,
    /// Bearers of a token with this role or a higher one.
    From(Role),
}

/// One method of one path.
pub(in crate::http) struct Route {
    pub(in crate::http) method: Method,
    pub(in crate::http) path: &'static str,
    pub(in crate::http) access: Access,
    /// One line for the `OpenAPI` document.
    pub(super) summary: &'static str,
    /// Query parameters that may be given.
    pub(super) parameters: &'static [&'static str],
    /// The schema of the body, by name.
    pub(super) takes: Option<&'static str>,
    /// The status and the schema of the answer, by name; `[]` behind it: a list of them.
    pub(super) answers: (u16, &'static str),
    pub(super) handler: fn() -> MethodRouter<App>,
}

const VIEWER: Access = Access::From(Role::Viewer);
const OPERATOR: Access = Access::From(Role::Operator);
const ADMIN: Access = Access::From(Role::Admin);

/// The whole admin listener.
pub(in crate::http) const ROUTES: &[Route] = &[
    Route {
        method: Method::GET,
        path: "/api/v1/products",
        access: VIEWER,
        summary: "Products that are configured",
        parameters: &["after", "limit"],
        takes: None,
        answers: (200, "ProductView[]"),
        handler: || get(products::list),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/products",
        access: OPERATOR,
        summary: "Make a product, or replace it",
        parameters: &[],
        takes: Some("Product"),
        answers: (200, "ProductView"),
        handler: || post(products::apply),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/products/{id}",
        access: VIEWER,
        summary: "One product",
        parameters: &[],
        takes: None,
        answers: (200, "ProductView"),
        handler: || get(products::show),
    },
    Route {
        method: Method::PUT,
        path: "/api/v1/products/{id}",
        access: OPERATOR,
        summary: "Make this product, or replace it",
        parameters: &[],
        takes: Some("Product"),
        answers: (200, "ProductView"),
        handler: || put(products::put),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/instances",
        access: VIEWER,
        summary: "Instances: what was bought, with the machines in use",
        parameters: &["order_id", "product", "state", "after", "limit"],
        takes: None,
        answers: (200, "InstanceView[]"),
        handler: || get(instances::list),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/instances/{id}",
        access: VIEWER,
        summary: "One instance with its licenses and waiting applications",
        parameters: &[],
        takes: None,
        answers: (200, "InstanceDetail"),
        handler: || get(instances::show),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/licenses",
        access: VIEWER,
        summary: "Licenses that were issued",
        parameters: &["instance_id", "product", "state", "after", "limit"],
        takes: None,
        answers: (200, "LicenseView[]"),
        handler: || get(licenses::list),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/licenses/{id}",
        access: VIEWER,
        summary: "One license; its document from operator up",
        parameters: &[],
        takes: None,
        answers: (200, "LicenseView"),
        handler: || get(licenses::show),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/uploads",
        access: VIEWER,
        summary: "Licenses on their way to the marketplace",
        parameters: &["instance_id", "state", "after", "limit"],
        takes: None,
        answers: (200, "UploadView[]"),
        handler: || get(uploads::list),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/uploads/{id}/retry",
        access: OPERATOR,
        summary: "Try an upload again now",
        parameters: &[],
        takes: None,
        answers: (200, "UploadView"),
        handler: || post(uploads::retry),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/restore",
        access: VIEWER,
        summary: "Whether uploads wait because the database was restored",
        parameters: &[],
        takes: None,
        answers: (200, "RestoreView"),
        handler: || get(uploads::restored),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/restore/confirm",
        access: OPERATOR,
        summary: "Let uploads go on after a restore",
        parameters: &[],
        takes: None,
        answers: (200, "RestoreView"),
        handler: || post(uploads::confirm_restore),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/releases",
        access: VIEWER,
        summary: "Releases that were published",
        parameters: &["product"],
        takes: None,
        answers: (200, "ReleaseView[]"),
        handler: || get(releases::list),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/releases",
        access: ADMIN,
        summary: "Publish a release, or a list that was signed elsewhere",
        parameters: &[],
        takes: Some("ReleasePublish"),
        answers: (201, "ReleaseView[]"),
        handler: || post(releases::publish),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/releases/signed",
        access: VIEWER,
        summary: "The signed list in force (application/jose), to extend it elsewhere",
        parameters: &["product", "platform", "channel"],
        takes: None,
        answers: (200, ""),
        handler: || get(releases::signed),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/logins/redeem",
        access: OPERATOR,
        summary: "Who came back from a login with this code; answered once",
        parameters: &[],
        takes: Some("LoginRedeem"),
        answers: (200, "LoginView"),
        handler: || post(logins::redeem),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/tenants",
        access: VIEWER,
        summary: "Enterprises of buyers, as the marketplace told of them",
        parameters: &["instance_id", "tenant_id", "after", "limit"],
        takes: None,
        answers: (200, "TenantView[]"),
        handler: || get(kit::tenants),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/applications",
        access: VIEWER,
        summary: "Their applications at the authentication centre; never the secrets",
        parameters: &["instance_id", "tenant_id", "app_id", "after", "limit"],
        takes: None,
        answers: (200, "TenantApplicationView[]"),
        handler: || get(kit::applications),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/users",
        access: OPERATOR,
        summary: "Who may use these applications",
        parameters: &["instance_id", "tenant_id", "app_id", "after", "limit"],
        takes: None,
        answers: (200, "UserView[]"),
        handler: || get(kit::users),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/departments",
        access: OPERATOR,
        summary: "Calls that told of departments, without their bodies",
        parameters: &["instance_id", "tenant_id", "after", "limit"],
        takes: None,
        answers: (200, "DepartmentView[]"),
        handler: || get(kit::departments),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/departments/{id}",
        access: OPERATOR,
        summary: "One such call with its body, as it was received",
        parameters: &[],
        takes: None,
        answers: (200, "DepartmentView"),
        handler: || get(kit::department),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/tokens",
        access: ADMIN,
        summary: "Tokens by name and role; never the tokens themselves",
        parameters: &[],
        takes: None,
        answers: (200, "TokenView[]"),
        handler: || get(tokens::list),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/tokens",
        access: ADMIN,
        summary: "Make a token; the answer is the only time it is shown",
        parameters: &[],
        takes: Some("TokenCreate"),
        answers: (201, "TokenCreated"),
        handler: || post(tokens::create),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/keys",
        access: VIEWER,
        summary: "The public halves of the signing keys (RFC 7517)",
        parameters: &[],
        takes: None,
        answers: (200, "KeySet"),
        handler: || get(keys::list),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/audit",
        access: OPERATOR,
        summary: "What was done and by whom: the links of the audit chains",
        parameters: &["server", "since", "until", "after", "limit"],
        takes: None,
        answers: (200, "Link[]"),
        handler: || get(audit::list),
    },
    Route {
        method: Method::GET,
        path: "/openapi.json",
        access: Access::Open,
        summary: "This document",
        parameters: &[],
        takes: None,
        answers: (200, ""),
        handler: || get(openapi::show),
    },
    Route {
        method: Method::GET,
        path: "/metrics",
        access: Access::Open,
        summary: "Metrics as Prometheus reads them: counts and times, no names",
        parameters: &[],
        takes: None,
        answers: (200, ""),
        handler: || get(metrics::show),
    },
];

/// The route that a request was matched to.
pub(super) fn find(method: &Method, path: &str) -> Option<&'static Route> {
    // GET handlers answer HEAD as well.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    ROUTES.iter().find(|route| route.method == *method && route.path == path)
}
