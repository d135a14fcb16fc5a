//! English and Chinese texts about licenses, bindings and warnings.

use license_core::binding::Binding;
use license_core::component::{DropReason, Dropped};
use license_core::entitlement::Entitlement;
use license_core::entitlement::LicenseKind;
use license_core::jws::DocType;
use license_core::license::License;
use license_core::verify::{ValidityState, Warning};
use license_core::{Lang, Refusal};

pub(crate) fn validity(license: &License, lang: Lang) -> String {
    match (license.not_before, license.expires, lang) {
        (None, None, Lang::En) => "perpetual".to_owned(),
        (None, None, Lang::Zh) => "永久".to_owned(),
        (Some(from), None, Lang::En) => format!("from {from}, perpetual"),
        (Some(from), None, Lang::Zh) => format!("自 {from} 起永久"),
        (None, Some(at), Lang::En) => format!("until {at}"),
        (None, Some(at), Lang::Zh) => format!("至 {at}"),
        (Some(from), Some(at), Lang::En) => format!("from {from} until {at}"),
        (Some(from), Some(at), Lang::Zh) => format!("自 {from} 至 {at}"),
    }
}

/// The grace period with its end.
pub(crate) fn grace(license: &License, lang: Lang) -> Option<String> {
    let end = license.expires.filter(|_| license.grace_secs > 0)?.plus(license.grace_secs);
    Some(match lang {
        Lang::En => format!("runs on until {end}"),
        Lang::Zh => format!("可继续使用至 {end}"),
    })
}

/// What a document is, for people.
pub(crate) fn document(doc: DocType, lang: Lang) -> &'static str {
    match (doc, lang) {
        (doc, Lang::En) => doc.purpose(),
        (DocType::License, Lang::Zh) => "许可证",
        (DocType::Lease, Lang::Zh) => "席位租约",
        (DocType::Receipt, Lang::Zh) => "回执",
        (DocType::Trust, Lang::Zh) => "信任列表",
        (DocType::Revocation, Lang::Zh) => "吊销列表",
        (DocType::Release, Lang::Zh) => "版本列表",
        (DocType::Clock, Lang::Zh) => "时钟重置",
    }
}

/// What a license is bound to, without comparing it.
pub(crate) fn binding(binding: &Binding, lang: Lang) -> String {
    let mut kinds: Vec<&str> = binding.digests().map(|(kind, _)| kind.as_str()).collect();
    kinds.dedup();
    let (kinds, need) = (kinds.join(", "), binding.need());
    match lang {
        Lang::En => format!("bound to {kinds}; score needed: {need}"),
        Lang::Zh => format!("绑定 {kinds}；需要得分 {need}"),
    }
}

pub(crate) fn kind(license: &License, lang: Lang) -> String {
    let (en, zh) = match license.kind {
        LicenseKind::NodeLocked => ("node-locked", "绑定机器"),
        LicenseKind::Floating => ("floating", "浮动"),
        LicenseKind::Unbound => ("unbound", "不绑定"),
    };
    let seats = license.seats.map_or_else(String::new, |seats| match lang {
        Lang::En => format!(", {seats} seats"),
        Lang::Zh => format!("，{seats} 个席位"),
    });
    let trial = if license.trial { pick(lang, ", trial", "，试用") } else { "" };
    format!("{}{seats}{trial}", pick(lang, en, zh))
}

pub(crate) fn entitlements(license: &License) -> String {
    let one = |(name, value): (&String, &Entitlement)| match value {
        Entitlement::Flag(true) => name.clone(),
        value => format!("{name}={value}"),
    };
    license.entitlements.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub(crate) fn state(state: ValidityState, lang: Lang) -> &'static str {
    match state {
        ValidityState::Valid => pick(lang, "VALID", "有效"),
        ValidityState::Grace => pick(lang, "VALID, in its grace period", "有效（宽限期内）"),
        ValidityState::MaintenanceOver => {
            pick(lang, "VALID, maintenance over", "有效（维护期已结束）")
        }
    }
}

pub(crate) fn warning(warning: Warning, lang: Lang) -> &'static str {
    match warning {
        Warning::BindingNotChecked => pick(
            lang,
            "the binding was not checked: give --dev-info with the machine's device text",
            "未检查机器绑定：请用 --dev-info 提供机器的设备信息",
        ),
        Warning::BindingWeak => pick(
            lang,
            "the binding rests on addresses that software can choose",
            "绑定仅依赖可由软件更改的地址",
        ),
        Warning::ClockBehind => {
            pick(lang, "the clock stands behind what was seen before", "时钟早于此前出现过的时间")
        }
        Warning::InGrace => pick(
            lang,
            "the validity is over; the license stops when the grace period ends",
            "有效期已过；宽限期结束后许可证将失效",
        ),
        Warning::ListExpired => pick(
            lang,
            "a trust or revocation list is past its end: fetch a newer one",
            "信任列表或吊销列表已过期：请获取新列表",
        ),
        _ => "",
    }
}

pub(crate) fn dropped(dropped: &Dropped, lang: Lang) -> String {
    let (en, zh) = match dropped.reason {
        DropReason::Placeholder => ("a value that many machines share", "许多机器共有的占位值"),
        DropReason::NotAMac => ("not a network address", "不是网卡地址"),
        DropReason::LocalMac => ("an address that software chose", "由软件指定的地址"),
        DropReason::VirtualMac => ("an address of a virtual adapter", "虚拟网卡的地址"),
    };
    let (kind, value) = (dropped.kind.as_str(), &dropped.value);
    match lang {
        Lang::En => format!("left out: {kind} {value}: {en}"),
        Lang::Zh => format!("已忽略：{kind} {value}：{zh}"),
    }
}

/// What was left out of a device text that cannot be used.
pub(crate) fn dropped_of(refusal: &Refusal, lang: Lang) -> Vec<String> {
    match refusal {
        Refusal::MachineUnreadable { dropped: list } => {
            list.iter().map(|one| dropped(one, lang)).collect()
        }
        _ => Vec::new(),
    }
}

/// `en` or `zh`.
pub(crate) fn pick<'a>(lang: Lang, en: &'a str, zh: &'a str) -> &'a str {
    match lang {
        Lang::En => en,
        Lang::Zh => zh,
    }
}
