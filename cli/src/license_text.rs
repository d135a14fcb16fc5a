//! Prints the content of a license as lines of names and values.

use std::fmt::Display;

use license_core::Lang;
use license_core::license::License;

use crate::messages;
use crate::output::{DIM, Output};

/// Columns that the names take.
const NAME_WIDTH: usize = 14;

/// A name and a value.
pub(crate) fn row(out: &mut Output, name: (&str, &str), value: impl Display) -> anyhow::Result<()> {
    let (name, width) = match out.lang() {
        Lang::En => (name.0, name.0.len()),
        // A Chinese character takes two columns.
        Lang::Zh => (name.1, name.1.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()),
    };
    let gap = " ".repeat(NAME_WIDTH.saturating_sub(width));
    out.line(format!("  {DIM}{name}{DIM:#}{gap}{value}"))?;
    Ok(())
}

/// What the license says.
pub(crate) fn license(
    license: &License,
    days_left: Option<i64>,
    out: &mut Output,
) -> anyhow::Result<()> {
    let lang = out.lang();
    row(out, ("product", "产品"), clean(&license.product))?;
    if !license.customer.is_empty() {
        row(out, ("customer", "客户"), clean(&license.customer))?;
    }
    row(out, ("kind", "类型"), messages::kind(license, lang))?;
    let mut validity = messages::validity(license, lang);
    if let Some(days) = days_left {
        validity = match lang {
            Lang::En => format!("{validity} ({days} days left)"),
            Lang::Zh => format!("{validity}（剩余 {days} 天）"),
        };
    }
    row(out, ("valid", "有效期"), validity)?;
    if let Some(grace) = messages::grace(license, lang) {
        row(out, ("grace", "宽限期"), grace)?;
    }
    if let Some(versions) = &license.versions {
        row(out, ("versions", "版本"), versions)?;
    }
    if let Some(until) = license.maintenance_until {
        let text = match lang {
            Lang::En => format!("releases until {until}"),
            Lang::Zh => format!("{until} 之前发布的版本"),
        };
        row(out, ("maintenance", "维护期"), text)?;
    }
    if !license.entitlements.is_empty() {
        row(out, ("entitlements", "授权项"), clean(&messages::entitlements(license)))?;
    }
    row(out, ("license", "许可证"), clean(&license.id))?;
    if license.instance != license.id {
        row(out, ("instance", "实例"), clean(&license.instance))?;
    }
    row(out, ("issued", "签发"), format!("{} {}", license.issued_at, clean(&license.issuer)))?;
    Ok(())
}

/// Text of others on one line and without the terminal's control characters.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
