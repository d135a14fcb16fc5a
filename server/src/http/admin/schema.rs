//! Schemas of the wire types, for the rows of the routes and for the `OpenAPI` document.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Adds a type to the document's components and returns the schema that refers to it.
pub(super) type SchemaFn = fn(&mut Map<String, Value>) -> Value;

/// One value of the type.
pub(super) fn of<T: ToSchema>(components: &mut Map<String, Value>) -> Value {
    // The types that it refers to, however deep, are components as well.
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    for (name, schema) in schemas {
        components.insert(name, serde_json::to_value(schema).expect("a schema is plain data"));
    }
    reference(&T::name())
}

/// A JSON array of the type.
pub(super) fn list_of<T: ToSchema>(components: &mut Map<String, Value>) -> Value {
    json!({ "type": "array", "items": of::<T>(components) })
}

/// The place of a component in the document.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
