//! `/api/v1/products`

use axum::Json;
use axum::extract::State;
use license_core::Code;
use license_core::api::ProductView;
use license_core::product::Product;
use serde::Deserialize;

use super::super::{
    HttpState,
    body::Payload,
    query::{Name, Parameters},
};
use super::BODY_BYTES;
use crate::error::ApiError;

/// Where in the list to begin, and how much of it to give.
#[derive(Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    after: String,
    limit: Option<usize>,
}

/// A seller has few products: the page is cut here.
pub(super) async fn list(
    State(state): State<HttpState>,
    Parameters(page): Parameters<Page>,
) -> Result<Json<Vec<ProductView>>, ApiError> {
    let mut products = state.app.products().await?;
    products.sort_by(|a, b| a.product.id.cmp(&b.product.id));
    products.retain(|view| view.product.id > page.after);
    products.truncate(page.limit.unwrap_or(usize::MAX));
    Ok(Json(products))
}

pub(super) async fn show(
    State(state): State<HttpState>,
    Name(id): Name,
) -> Result<Json<ProductView>, ApiError> {
    state.app.product(&id).await.map(Json)
}

pub(super) async fn apply(
    State(state): State<HttpState>,
    Payload(product): Payload<Product, BODY_BYTES>,
) -> Result<Json<ProductView>, ApiError> {
    state.app.apply_product(product).await.map(Json)
}

pub(super) async fn put(
    State(state): State<HttpState>,
    Name(id): Name,
    Payload(product): Payload<Product, BODY_BYTES>,
) -> Result<Json<ProductView>, ApiError> {
    if product.id != id {
        return Err(ApiError::new(
            Code::RequestInvalid,
            format!("The body describes {:?}, the path names {id:?}.", product.id),
            format!("请求体中的产品为 {:?}，而路径为 {id:?}。", product.id),
        ));
    }
    state.app.apply_product(product).await.map(Json)
}
