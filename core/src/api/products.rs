//! Products as the server stores them.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, product::Product};

/// A product as the server keeps it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProductView {
    /// The description.
    #[serde(flatten)]
    pub product: Product,
    /// When it was applied last.
    pub updated_at: Timestamp,
}
