//! Renders the routes of the admin API and the schemas of their bodies as an `OpenAPI` document.

use license_core::api::Problem;
use serde_json::{Map, Value, json};

use super::route::{Access, Route};
use super::schema;

/// Query parameters that are numbers; every other one is text.
const NUMBERS: [&str; 3] = ["limit", "since", "until"];

/// The document that describes these routes.
pub(super) fn document(routes: impl Iterator<Item = &'static Route>) -> Value {
    let mut paths = Map::new();
    let mut components = Map::new();
    for route in routes {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_lowercase()] = operation(route, &mut components);
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
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "licd_…" },
            },
        },
    })
}

fn operation(route: &Route, components: &mut Map<String, Value>) -> Value {
    let mut answer = json!({ "description": "Done" });
    if let Some(schema) = route.answer {
        answer["content"] = json!({ "application/json": { "schema": schema(components) } });
    }
    let mut responses = json!({ route.status.to_string(): answer });
    let mut parameters: Vec<Value> = route
        .query
        .iter()
        .map(|name| {
            let kind = if NUMBERS.contains(name) { "integer" } else { "string" };
            json!({ "name": name, "in": "query", "schema": { "type": kind } })
        })
        .collect();
    if route.path.contains("{id}") {
        parameters.push(
            json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }),
        );
    }
    let mut operation = json!({ "summary": route.summary, "parameters": parameters });
    if let Some(schema) = route.body {
        let content = json!({ "application/json": { "schema": schema(components) } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if let Access::From(role) = route.access {
        let problem = schema::of::<Problem>(components);
        let content = json!({ "application/problem+json": { "schema": problem } });
        responses["default"] = json!({ "description": "Why not", "content": content });
        operation["security"] = json!([{ "token": [] }]);
        operation["description"] =
            format!("Needs the role {} or a higher one.", role.as_str()).into();
    }
    operation["responses"] = responses;
    operation
}
