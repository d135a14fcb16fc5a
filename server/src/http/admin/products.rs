//! `/api/v1/products`: the configured products.

use axum::Json;
use axum::extract::State;
use axum::routing::{get, post, put};
use license_core::Code;
use license_core::api::ProductView;
use license_core::product::Product;
use serde::Deserialize;

use super::route::MAX_BODY_BYTES;
use super::route::{OPERATOR, Route, VIEWER};
use super::schema::{list_of, of};
use crate::app::products;
use crate::error::ApiError;
use crate::http::HttpState;
use crate::http::body::JsonBody;
use crate::http::query::{PathName, QueryParameters};

pub(super) const ROUTES: &[Route] = &[
    Route::get("/api/v1/products", VIEWER, || get(list))
        .summary("Products that are configured")
        .query(&["after", "limit"])
        .answers(200, list_of::<ProductView>),
    Route::post("/api/v1/products", OPERATOR, || post(apply))
        .summary("Make a product, or replace it")
        .body(of::<Product>)
        .answers(200, of::<ProductView>),
    Route::get("/api/v1/products/{id}", VIEWER, || get(show))
        .summary("One product")
        .answers(200, of::<ProductView>),
    Route::put("/api/v1/products/{id}", OPERATOR, || put(replace))
        .summary("Make this product, or replace it")
        .body(of::<Product>)
        .answers(200, of::<ProductView>),
];

/// A page of the list.
#[derive(Deserialize)]
struct ProductPage {
    #[serde(default)]
    after: String,
    limit: Option<usize>,
}

/// A seller has few products, so the page is cut here and not by the database.
async fn list(
    State(state): State<HttpState>,
    QueryParameters(page): QueryParameters<ProductPage>,
) -> Result<Json<Vec<ProductView>>, ApiError> {
    let mut products = products::list(&state.app).await?;
    products.sort_by(|a, b| a.product.id.cmp(&b.product.id));
    products.retain(|view| view.product.id > page.after);
    products.truncate(page.limit.unwrap_or(usize::MAX));
    Ok(Json(products))
}

async fn show(
    State(state): State<HttpState>,
    PathName(id): PathName,
) -> Result<Json<ProductView>, ApiError> {
    products::find(&state.app, &id).await.map(Json)
}

async fn apply(
    State(state): State<HttpState>,
    JsonBody(product): JsonBody<Product, MAX_BODY_BYTES>,
) -> Result<Json<ProductView>, ApiError> {
    products::apply(&state.app, product).await.map(Json)
}

async fn replace(
    State(state): State<HttpState>,
    PathName(id): PathName,
    JsonBody(product): JsonBody<Product, MAX_BODY_BYTES>,
) -> Result<Json<ProductView>, ApiError> {
    if product.id != id {
        return Err(ApiError::new(
            Code::RequestInvalid,
            format!("The body describes {:?}, the path names {id:?}.", product.id),
            format!("请求体中的产品为 {:?}，而路径为 {id:?}。", product.id),
        ));
    }
    products::apply(&state.app, product).await.map(Json)
}
