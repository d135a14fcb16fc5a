//! `/api/v1/products`

use axum::Json;
use axum::extract::State;
use license_core::Code;
use license_core::api::ProductView;
use license_core::product::Product;

use super::super::{App, body::Payload, query::Name};
use super::BODY_BYTES;
use crate::error::ApiError;

pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<ProductView>>, ApiError> {
    app.desk.products().await.map(Json)
}

pub(super) async fn show(
    State(app): State<App>,
    Name(id): Name,
) -> Result<Json<ProductView>, ApiError> {
    app.desk.product(&id).await.map(Json)
}

pub(super) async fn apply(
    State(app): State<App>,
    Payload(product): Payload<Product, BODY_BYTES>,
) -> Result<Json<ProductView>, ApiError> {
    app.desk.apply_product(product).await.map(Json)
}

pub(super) async fn put(
    State(app): State<App>,
    Name(id): Name,
    Payload(product): Payload<Product, BODY_BYTES>,
) -> Result<Json<ProductView>, ApiError> {
    if product.id != id {
        return Err(ApiError::new(
            Code::RequestInvalid,
            format!("The body describes {:?}, the path names {id:?}.", product.id),
            format!("请求体中的产品为 {:?},而路径为 {id:?}。", product.id),
        ));
    }
    app.desk.apply_product(product).await.map(Json)
}
