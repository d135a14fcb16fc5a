//! `/openapi.json`: made from the table of routes and from the wire types themselves.

use axum::Json;
use license_core::product::Product;
use license_core::{api, audit::Link};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{ComponentsBuilder, RefOr, schema::Schema};

use super::routes::{Access, ROUTES, Route};
use crate::app::TokenView;

pub(super) async fn show() -> Json<Value> {
    Json(document())
}

pub(in crate::http) fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "licd admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Times are integers of UTC seconds. Errors are \
                            application/problem+json with a stable `code`. Roles include those \
                            before them: viewer, operator, admin.",
            "license": { "name": env!("CARGO_PKG_LICENSE") },
        },
        "paths": paths,
        "components": components(),
    })
}

fn operation(route: &Route) -> Value {
    let (status, schema) = route.answers;
    let mut responses = json!({ status.to_string(): answer(schema) });
    let mut parameters: Vec<Value> = route
        .parameters
        .iter()
        .map(|name| {
            let number = ["limit", "since", "until"].contains(name);
            let kind = if number { "integer" } else { "string" };
            json!({ "name": name, "in": "query", "schema": { "type": kind } })
        })
        .collect();
    if route.path.contains("{id}") {
        parameters.push(
            json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }),
        );
    }
    let mut operation = json!({ "summary": route.summary, "parameters": parameters });
    if let Some(name) = route.takes {
        let content = json!({ "application/json": { "schema": reference(name) } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if let Access::From(role) = route.access {
        let problem = json!({ "application/problem+json": { "schema": reference("Problem") } });
        responses["default"] = json!({ "description": "Why not", "content": problem });
        operation["security"] = json!([{ "token": [] }]);
        operation["description"] =
            format!("Needs the role {} or a higher one.", role.as_str()).into();
    }
    operation["responses"] = responses;
    operation
}

fn answer(schema: &str) -> Value {
    if schema.is_empty() {
        return json!({ "description": "Done" });
    }
    let schema = match schema.strip_suffix("[]") {
        Some(item) => json!({ "type": "array", "items": reference(item) }),
        None => reference(schema),
    };
    json!({ "description": "Done", "content": { "application/json": { "schema": schema } } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn components() -> Value {
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    add::<api::Problem>(&mut schemas);
    add::<api::ProductView>(&mut schemas);
    add::<Product>(&mut schemas);
    add::<api::InstanceView>(&mut schemas);
    add::<api::InstanceDetail>(&mut schemas);
    add::<api::LicenseView>(&mut schemas);
    add::<api::MachineView>(&mut schemas);
    add::<api::QueuesView>(&mut schemas);
    add::<api::RestoreView>(&mut schemas);
    add::<api::TenantView>(&mut schemas);
    add::<api::TenantApplicationView>(&mut schemas);
    add::<api::UserView>(&mut schemas);
    add::<api::DepartmentView>(&mut schemas);
    add::<api::LoginRedeem>(&mut schemas);
    add::<api::LoginView>(&mut schemas);
    add::<api::UploadView>(&mut schemas);
    add::<api::UsagePush>(&mut schemas);
    add::<api::UsageView>(&mut schemas);
    add::<api::AlertView>(&mut schemas);
    add::<api::CodeView>(&mut schemas);
    add::<api::NoticeView>(&mut schemas);
    add::<api::ReleasePublish>(&mut schemas);
    add::<api::ReleaseWithdraw>(&mut schemas);
    add::<api::ReleaseView>(&mut schemas);
    add::<api::TokenCreate>(&mut schemas);
    add::<api::TokenCreated>(&mut schemas);
    add::<TokenView>(&mut schemas);
    add::<Link>(&mut schemas);
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
    let mut value = serde_json::to_value(components).expect("schemas are plain data");
    value["schemas"]["KeySet"] = json!({
        "type": "object",
        "required": ["keys"],
        "properties": { "keys": { "type": "array", "items": { "type": "object" } } },
    });
    value["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer", "description": "licd_…" },
    });
    value
}

/// A type's schema and those it refers to.
fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    T::schemas(schemas);
    schemas.push((T::name().into_owned(), T::schema()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let references: Vec<&str> = text
            .split("\"#/components/schemas/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert!(references.len() > 20, "{}", references.len());
        for name in references {
            assert!(document["components"]["schemas"].get(name).is_some(), "{name} is missing");
        }
    }

    #[test]
    fn every_route_is_described() {
        let document = document();
        for route in ROUTES {
            let method = route.method.as_str().to_lowercase();
            let operation = &document["paths"][route.path][&method];
            assert_eq!(operation["summary"], route.summary, "{method} {}", route.path);
            let needs_token = route.access != Access::Open;
            assert_eq!(operation.get("security").is_some(), needs_token, "{}", route.path);
        }
    }
}
