//! A product as the seller describes it in a file, and what its licenses grant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    entitlement::{Entitlement, LicenseKind},
    version::VersionRange,
};

/// What is licensed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its id: the `prd` of its licenses.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Under what it is sold on the marketplace.
    #[serde(default)]
    pub koogallery: Vec<MarketSku>,
    /// What its licenses grant.
    #[serde(default)]
    pub license: LicenseTerms,
}

/// One offer of the product on the marketplace.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MarketSku {
    /// The marketplace's product id.
    pub product_id: String,
    /// The specification's code; absent: every specification of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku_code: Option<String>,
}

/// What the product's licenses grant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LicenseTerms {
    /// How seats are taken.
    pub kind: LicenseKind,
    /// How many machines, or floating seats.
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    pub machines: Quantity,
    /// How the license travels.
    pub form: LicenseForm,
    /// Named rights and limits.
    pub entitlements: BTreeMap<String, Entitlement>,
    /// The one entitlement whose use is paid by quantity: programs report what they used of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metered: Option<String>,
    /// Days after the end of validity in which the program still runs.
    pub grace_days: u32,
    /// Perpetual licenses: days in which releases are covered; absent: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance_days: Option<u32>,
    /// The versions that may be used; absent: every version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<VersionRange>,
}

impl Default for LicenseTerms {
    fn default() -> Self {
        Self {
            kind: LicenseKind::NodeLocked,
            machines: Quantity::Order,
            form: LicenseForm::String,
            entitlements: BTreeMap::new(),
            metered: None,
            grace_days: 0,
            maintenance_days: None,
            versions: None,
        }
    }
}

impl LicenseTerms {
    /// What a license carries: the entitlements, and the metered one where they do not name it.
    #[must_use]
    pub fn granted(&self) -> BTreeMap<String, Entitlement> {
        let mut granted = self.entitlements.clone();
        if let Some(metered) = &self.metered {
            granted.entry(metered.clone()).or_insert(Entitlement::Flag(true));
        }
        granted
    }
}

/// How many machines an instance may use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Quantity {
    /// As many as were ordered.
    Order,
    /// A number of the seller's.
    Fixed(u32),
}

impl Quantity {
    /// The number, for an order of `ordered`.
    #[must_use]
    pub const fn limit(self, ordered: u32) -> u32 {
        match self {
            Self::Order => ordered,
            Self::Fixed(number) => number,
        }
    }
}

impl Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Order => serializer.serialize_str("order"),
            Self::Fixed(number) => serializer.serialize_u32(*number),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "`machines` is \"order\" or a number from 1 to 1000000")]
        enum Either {
            Number(u32),
            Word(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(number @ 1..=1_000_000) => Ok(Self::Fixed(number)),
            Either::Word(word) if word == "order" => Ok(Self::Order),
            _ => Err(serde::de::Error::custom(
                "`machines` is \"order\" or a number from 1 to 1000000",
            )),
        }
    }
}

/// How a license travels.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Form))]
#[serde(rename_all = "lowercase")]
pub enum LicenseForm {
    /// As text.
    #[default]
    String,
    /// As a `.lic` file.
    File,
}

impl LicenseForm {
    /// The word in requests and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::File => "file",
        }
    }
}

impl Product {
    /// Whether the description can be used.
    ///
    /// # Errors
    /// The key that is wrong and what is expected of it.
    pub fn validate(&self) -> Result<(), String> {
        let id_ok = (1..=64).contains(&self.id.len())
            && self
                .id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !id_ok {
            return Err(format!(
                "`id` is {:?}: write 1 to 64 letters, digits, `-`, `_` or `.`",
                self.id
            ));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > 256 {
            return Err("`name` is empty or longer than 256 characters".to_owned());
        }
        for (i, sku) in self.koogallery.iter().enumerate() {
            if sku.product_id.trim().is_empty() {
                return Err("`koogallery.product_id` is empty: copy it from the seller's console"
                    .to_owned());
            }
            if self.koogallery[..i].contains(sku) {
                return Err(format!("`koogallery` names {} twice", sku.product_id));
            }
        }
        if self.license.granted().len() > 64 {
            return Err("`license.entitlements` has more than 64 entries".to_owned());
        }
        if let Some(metered) = &self.license.metered
            && self.license.entitlements.get(metered) == Some(&Entitlement::Flag(false))
        {
            return Err(format!("`license.metered` is {metered:?}, which is not granted"));
        }
        for (name, value) in &self.license.granted() {
            if name.is_empty() || name.len() > 64 {
                return Err(format!("entitlement `{name}`: names have 1 to 64 bytes"));
            }
            if matches!(value, Entitlement::Text(text) if text.len() > 256) {
                return Err(format!("entitlement `{name}`: texts have at most 256 bytes"));
            }
            if matches!(value, Entitlement::Number(number) if number.unsigned_abs() > 1 << 53) {
                return Err(format!("entitlement `{name}`: numbers lie within 2^53"));
            }
        }
        Ok(())
    }

    /// How well the offer of an order fits: the specification itself before the whole product.
    #[must_use]
    pub fn sold_as(&self, product_id: &str, sku_code: Option<&str>) -> bool {
        self.koogallery.iter().any(|sku| {
            sku.product_id == product_id
                && sku.sku_code.as_deref().is_none_or(|code| Some(code) == sku_code)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metered(entitlements: &[(&str, Entitlement)], metered: &str) -> Product {
        Product {
            id: "flowsim".to_owned(),
            name: "FlowSim".to_owned(),
            koogallery: Vec::new(),
            license: LicenseTerms {
                entitlements: entitlements
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect(),
                metered: Some(metered.to_owned()),
                ..LicenseTerms::default()
            },
        }
    }

    #[test]
    fn a_metered_entitlement_is_granted_as_named_or_simply_granted() {
        let limit = Entitlement::Number(64);
        for (entitlements, expected) in [
            (vec![], Entitlement::Flag(true)),
            (vec![("core-hours", limit.clone())], limit.clone()),
        ] {
            let product = metered(&entitlements, "core-hours");
            assert_eq!(product.validate(), Ok(()));
            let granted = product.license.granted();
            assert_eq!(granted, BTreeMap::from([("core-hours".to_owned(), expected)]));
        }
    }

    #[test]
    fn what_is_metered_has_a_name_and_is_granted() {
        for (entitlements, name) in [
            (vec![], String::new()),
            (vec![], "n".repeat(65)),
            (vec![("core-hours", Entitlement::Flag(false))], "core-hours".to_owned()),
        ] {
            let refused = metered(&entitlements, &name).validate();
            assert!(refused.is_err(), "{name}");
        }
        let full: Vec<String> = (0..64).map(|i| format!("e{i}")).collect();
        let full: Vec<_> = full.iter().map(|e| (e.as_str(), Entitlement::Flag(true))).collect();
        assert!(metered(&full, "one-more").validate().is_err());
        assert_eq!(metered(&full, "e7").validate(), Ok(()));
    }
}
