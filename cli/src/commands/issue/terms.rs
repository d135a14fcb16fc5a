//! The options of `licctl issue` that say what a license grants: product, customer, validity, rights.

use std::collections::BTreeMap;

use anyhow::bail;
use license_core::Code;
use license_core::binding::Binding;
use license_core::entitlement::Entitlement;
use license_core::entitlement::LicenseKind;
use license_core::license::License;
use license_core::time::{DAY, InvalidTime, Timestamp};
use license_core::version::VersionRange;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::is_one_line;

/// The most that a name in a license may have, in characters.
const MAX_NAME_CHARS: usize = 200;

#[derive(clap::Args, Clone)]
#[command(group(clap::ArgGroup::new("validity")))]
pub(super) struct TermsArgs {
    /// The seller's name; by default the one in the key file.
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// What is licensed.
    #[arg(long, value_name = "ID", required_unless_present = "batch")]
    pub(super) product: Option<String>,
    /// Whom it is licensed to.
    #[arg(long, value_name = "NAME", required_unless_present = "batch")]
    pub(super) customer: Option<String>,
    /// Last day of the validity, or the time of its end.
    #[arg(long, value_name = "DATE", value_parser = end_of, group = "validity")]
    pub(super) expires: Option<Timestamp>,
    /// Valid for so many days from now.
    #[arg(long, value_name = "N", group = "validity")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(super) days: Option<u32>,
    /// Valid for ever; so is a license without --expires and --days, which is then said.
    #[arg(long, group = "validity")]
    pub(super) perpetual: bool,
    /// Mark the license as a trial.
    #[arg(long)]
    pub(super) trial: bool,
    /// A named right or limit; without a value it is true. Can be given several times.
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = entitlement)]
    pub(super) entitlement: Vec<(String, Entitlement)>,
    /// Last day of the maintenance window: later releases are not covered.
    #[arg(long, value_name = "DATE", value_parser = end_of)]
    pub(super) maintenance_until: Option<Timestamp>,
    /// Versions that are covered, for example ">=2.0, <4".
    #[arg(long, value_name = "RANGE")]
    pub(super) versions: Option<VersionRange>,
}

impl TermsArgs {
    /// Whether nothing was said about the end of the validity.
    pub(super) fn is_silent_on_validity(&self) -> bool {
        self.expires.is_none() && self.days.is_none() && !self.perpetual
    }

    pub(super) fn license(
        &self,
        issuer_of_key: Option<&str>,
        binding: Option<Binding>,
        environment: &Environment,
    ) -> anyhow::Result<License> {
        let Some(issuer) = self.issuer.as_deref().or(issuer_of_key) else {
            let failure = Failure::new(Code::RequestInvalid, "the license needs the seller's name");
            bail!(
                failure
                    .advise(
                        "give --issuer NAME, or make the key with `licctl key generate --issuer NAME`"
                    )
                    .chinese(
                        "许可证需要销售方名称",
                        "请使用 --issuer NAME，或用 licctl key generate --issuer NAME 生成密钥",
                    )
            );
        };
        let product = self.product.as_deref().unwrap_or_default();
        let customer = self.customer.as_deref().unwrap_or_default();
        for (option, name) in
            [("--issuer", issuer), ("--product", product), ("--customer", customer)]
        {
            if !is_one_line(name) || name.chars().count() > MAX_NAME_CHARS {
                let message =
                    format!("{option} takes one line of 1 to {MAX_NAME_CHARS} characters");
                bail!(
                    Failure::new(Code::RequestInvalid, message)
                        .advise("shorten it, and leave line ends out")
                        .chinese(
                            format!("{option} 必须是一行 1 至 {MAX_NAME_CHARS} 个字符的文字"),
                            "请缩短并去掉换行",
                        )
                );
            }
        }
        let now = environment.now();
        let expires = match self.days {
            Some(days) => Some(now.plus(i64::from(days) * DAY)),
            None => self.expires,
        };
        if let Some(at) = expires
            && at <= now
        {
            let message = format!("the license would have expired on {at} already");
            bail!(
                Failure::new(Code::RequestInvalid, message)
                    .advise("give a later --expires, or --days N")
                    .chinese(
                        format!("许可证在 {at} 就已过期"),
                        "请给出更晚的 --expires，或使用 --days N"
                    )
            );
        }
        let mut entitlements = BTreeMap::new();
        for (name, value) in &self.entitlement {
            if entitlements.insert(name.clone(), value.clone()).is_some() {
                let message = format!("--entitlement {name} is given twice");
                bail!(
                    Failure::new(Code::RequestInvalid, message)
                        .advise("give each name once")
                        .chinese(format!("--entitlement {name} 重复"), "每个名称只能给出一次")
                );
            }
        }
        let id = environment.id()?.to_string();
        Ok(License {
            issuer: issuer.to_owned(),
            issued_at: now,
            instance: id.clone(),
            id,
            // A customer's clock that is slow by a minute must not refuse a new license.
            not_before: None,
            expires,
            product: product.to_owned(),
            customer: customer.to_owned(),
            kind: if binding.is_some() { LicenseKind::NodeLocked } else { LicenseKind::Unbound },
            trial: self.trial,
            entitlements,
            versions: self.versions.clone(),
            maintenance_until: self.maintenance_until,
            grace_secs: 0,
            seats: None,
            binding,
        })
    }
}

/// A day ends with its last second, so that a license is valid on the day that it names.
pub(super) fn end_of(text: &str) -> Result<Timestamp, InvalidTime> {
    let at: Timestamp = text.parse()?;
    Ok(if at.date() == text.trim() { at.plus(DAY - 1) } else { at })
}

pub(super) fn entitlement(text: &str) -> Result<(String, Entitlement), String> {
    let (name, value) = text.split_once('=').unwrap_or((text, "true"));
    let readable = |name: &str| !name.chars().any(|c| c.is_control() || c.is_whitespace());
    if !(1..=64).contains(&name.len()) || !readable(name) {
        return Err("a name has 1 to 64 bytes and no spaces".to_owned());
    }
    if value.len() > 256 || value.chars().any(char::is_control) {
        return Err("a value has at most 256 bytes, on one line".to_owned());
    }
    let value = match (value, value.parse::<i64>()) {
        ("true", _) => Entitlement::Flag(true),
        ("false", _) => Entitlement::Flag(false),
        (_, Ok(number)) if number.unsigned_abs() > 1 << 53 => {
            return Err("a number lies within 2^53".to_owned());
        }
        (_, Ok(number)) => Entitlement::Number(number),
        (text, Err(_)) => Entitlement::Text(text.to_owned()),
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_counts_until_its_last_second() {
        for (text, end) in [
            ("2027-11-20", "2027-11-20T23:59:59Z"),
            (" 2027-11-20 ", "2027-11-20T23:59:59Z"),
            ("2027-11-20T00:00:00Z", "2027-11-20T00:00:00Z"),
            ("2027-11-20T08:00:00+08:00", "2027-11-20T00:00:00Z"),
        ] {
            assert_eq!(end_of(text).unwrap().to_string(), end, "{text}");
        }
        assert!(end_of("next week").is_err());
    }

    #[test]
    fn entitlements_are_flags_numbers_or_texts() {
        for (text, name, value) in [
            ("mesh", "mesh", Entitlement::Flag(true)),
            ("mesh=false", "mesh", Entitlement::Flag(false)),
            ("solver-cores=64", "solver-cores", Entitlement::Number(64)),
            ("offset=-1", "offset", Entitlement::Number(-1)),
            ("edition=a=b", "edition", Entitlement::Text("a=b".to_owned())),
            ("edition=", "edition", Entitlement::Text(String::new())),
            ("版本=专业版", "版本", Entitlement::Text("专业版".to_owned())),
        ] {
            assert_eq!(entitlement(text), Ok((name.to_owned(), value)), "{text}");
        }
        for text in ["", "=1", "a b", "cores=9007199254740993", "note=a\nb"] {
            assert!(entitlement(text).is_err(), "{text}");
        }
    }
}
