//! Every parameter of every call: there, missing, empty, too long, of the wrong type.

use super::*;
use crate::v1::parse;

const COMMON: &[(&str, &str)] = &[("testFlag", "1"), ("later", "tolerated")];

/// Each activity with its mandatory parameters and their limits, and its optional ones.
type Table = (&'static str, &'static [(&'static str, &'static str, usize)], &'static [Optional]);
type Optional = (&'static str, &'static str, &'static str);

const BUY: &[(&str, &str, usize)] = &[
    ("customerId", "68cbc86abc2018ab880d92f36422fa0e", 100),
    ("businessId", "61e834ba-7b97-4418-b8f7-e5345137278c", 64),
    ("orderId", "CS1906666666ABCDE", 64),
    ("productId", "00301-666666-0--0", 64),
];
/// Name, a good value, a bad one.
const BUY_OPTIONAL: &[Optional] = &[
    ("skuCode", "s", LONG),
    ("customerName", "示例", LONG),
    ("userId", "u", LONG),
    ("userName", "n", LONG),
    ("chargingMode", "1", LONG),
    ("trialFlag", "1", "yes"),
    ("expireTime", "20270101000000", "tomorrow"),
    ("expireTime", "20270101000000123", "202701010000001234567"),
    ("periodType", "year", "fortnight"),
    ("periodNumber", "2", "123"),
    ("periodNumber", "12", "-1"),
    ("amount", "9999999", "10000000"),
    ("amount", "0", "1.5"),
    ("diskSize", "10", "ten"),
    ("bandWidth", "10", "１"),
    ("orderAmount", "12.500", "12.5元"),
    ("orderAmount", "12", "."),
    ("encryptType", "1", "A"),
    ("testFlag", "0", "2"),
];
const LONG: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
const REFRESH: &[(&str, &str, usize)] =
    &[("orderId", "CS2", 64), ("instanceId", "i-1", 64), ("expireTime", "20270101000000", 20)];
const REFRESH_OPTIONAL: &[Optional] = &[
    ("productId", "p", LONG),
    ("trialToFormal", "1", "no"),
    ("periodType", "month", "fortnight"),
    ("periodNumber", "3", "three"),
];
const TARGET: &[(&str, &str, usize)] = &[("instanceId", "i-1", 64)];
const RELEASE: &[(&str, &str, usize)] = &[("instanceId", "i-1", 64), ("orderId", "CS1", 64)];
const TARGET_OPTIONAL: &[Optional] = &[("orderId", "CS1", LONG)];

const TABLES: &[Table] = &[
    ("newInstance", BUY, BUY_OPTIONAL),
    ("getLicense", BUY, BUY_OPTIONAL),
    ("refreshInstance", REFRESH, REFRESH_OPTIONAL),
    ("refreshLicense", REFRESH, REFRESH_OPTIONAL),
    ("expireInstance", TARGET, TARGET_OPTIONAL),
    ("expireLicense", TARGET, TARGET_OPTIONAL),
    ("releaseInstance", RELEASE, &[]),
    ("releaseLicense", RELEASE, &[]),
    (
        "upgrade",
        &[
            ("instanceId", "i-1", 64),
            ("orderId", "CS3", 64),
            ("skuCode", "s", 64),
            ("productId", "p", 64),
        ],
        &[("amount", "3", "three"), ("diskSize", "1", "x"), ("bandWidth", "1", "x")],
    ),
    ("instanceStatus", &[("instanceId", "i-1", 64), ("instanceStatus", "NORMAL", 32)], &[]),
    ("queryInstance", &[("instanceId", "i-1", 64)], &[]),
];

fn read(parameters: &[(&str, &str)]) -> Result<V1Call, Rejection> {
    V1Call::read(&Body::from_texts(parameters.iter().copied()))
}

#[test]
fn every_mandatory_parameter_has_to_be_there_and_fit() {
    for (activity, mandatory, _) in TABLES {
        let mut good = vec![("activity", *activity)];
        good.extend(mandatory.iter().map(|(name, value, _)| (*name, *value)));
        good.extend(COMMON);
        assert_eq!(read(&good).unwrap().activity(), *activity);

        for (name, _, limit) in *mandatory {
            let code = |value: Option<&str>| {
                let others = good.iter().copied().filter(|(other, _)| other != name);
                let all: Vec<_> = others.chain(value.map(|value| (*name, value))).collect();
                read(&all).err().map(|rejection| (rejection.code.as_str(), rejection.message))
            };
            let over = "x".repeat(limit + 1);
            for bad in [None, Some(""), Some(&*over), Some("a\u{7}b")] {
                let (code, message) = code(bad).unwrap_or_else(|| panic!("{activity} {name}"));
                assert_eq!(code, "000002", "{activity} {name} {bad:?}");
                assert!(message.contains(name) && message.contains(" / "), "{message}");
            }
            if !matches!(*name, "expireTime" | "instanceStatus") {
                assert_eq!(code(Some(&"字".repeat(*limit))), None, "{activity} {name}");
            }
        }
    }
}

#[test]
fn every_optional_parameter_is_judged_where_it_stands() {
    for (activity, mandatory, optional) in TABLES {
        let mut base = vec![("activity", *activity)];
        base.extend(mandatory.iter().map(|(name, value, _)| (*name, *value)));
        for (name, good, bad) in *optional {
            for (value, accepted) in [(*good, true), ("", true), (*bad, false)] {
                let mut all = base.clone();
                all.push((name, value));
                let read = read(&all);
                assert_eq!(read.is_ok(), accepted, "{activity} {name}={value}: {read:?}");
            }
        }
    }
}

#[test]
fn an_activity_is_one_of_these() {
    for activity in ["", "getLicenseAsync", "NEWINSTANCE", "updateInstanceStatus", "orderNotify"] {
        let rejection = read(&[("activity", activity), ("instanceId", "i")]).unwrap_err();
        assert_eq!(rejection.code.as_str(), "000002", "{activity}");
    }
    assert!(read(&[]).is_err());
}

#[test]
fn what_means_the_same_becomes_the_same() {
    let base = [("instanceId", "i-1"), ("orderId", "CS2"), ("expireTime", "20270101000000")];
    let refresh = |more: &[(&str, &str)]| {
        let all = [&[("activity", "refreshInstance")], &base[..], more].concat();
        match read(&all).unwrap() {
            V1Call::RefreshInstance(call) => call,
            other => panic!("{other:?}"),
        }
    };
    let renewal = refresh(&[]);
    assert_eq!((renewal.scene, renewal.expires), (Scene::Renewal, 1_798_761_600));
    assert_eq!(refresh(&[("trialToFormal", "1")]).scene, Scene::TrialToFormal);
    for (text, status) in [("FREEZE", Status::Freeze), ("NORMAL", Status::Unfreeze)] {
        let all = [("activity", "instanceStatus"), ("instanceId", "i"), ("instanceStatus", text)];
        let V1Call::InstanceStatus(call) = read(&all).unwrap() else { panic!() };
        assert_eq!(call.status, status);
    }
    let all = [("activity", "instanceStatus"), ("instanceId", "i"), ("instanceStatus", "UNFREEZE")];
    assert!(read(&all).is_err());
}

#[test]
fn a_purchase_knows_its_end_and_its_key() {
    let buy = |more: &[(&str, &str)]| {
        let mut all = vec![("activity", "getLicense")];
        all.extend(BUY.iter().map(|(name, value, _)| (*name, *value)));
        all.extend(more);
        match read(&all).unwrap() {
            V1Call::GetLicense(call) => call,
            other => panic!("{other:?}"),
        }
    };
    let now = 1_709_164_800; // 2024-02-29
    assert_eq!(buy(&[]).end(now), None);
    assert_eq!(buy(&[("expireTime", "20270101000000")]).end(now), Some(1_798_761_600));
    for (unit, number, end) in [
        ("year", "1", 1_740_700_800),  // 2025-02-28
        ("month", "1", 1_711_670_400), // 2024-03-29
        ("day", "99", now + 99 * 86_400),
        ("year", "", 1_740_700_800),
        ("year", "0", 1_740_700_800),
    ] {
        let bought = buy(&[("periodType", unit), ("periodNumber", number)]);
        assert_eq!(bought.end(now), Some(end), "{number} {unit}");
        assert!(bought.is_period());
    }
    let forever = Period { unit: PeriodUnit::Year, number: u32::MAX };
    assert_eq!(forever.end(now), 253_402_300_799);

    for (mode, by_use, period) in [
        ("0", true, false),
        ("ON_DEMAND", true, false),
        ("1", false, true),
        ("3", false, false),
        ("5", true, false),
        ("", false, false),
    ] {
        let bought = buy(&[("chargingMode", mode)]);
        assert_eq!((bought.one_for_each_product(), bought.is_period()), (by_use, period), "{mode}");
    }
    assert_eq!(buy(&[("amount", "0")]).amount, None);
    assert_eq!(buy(&[("amount", "007")]).amount, Some(7));
    let shown = format!("{:?}", buy(&[("customerName", "示例公司")]));
    assert!(!shown.contains("示例公司"), "{shown}");
}

/// The URL of a public sample: what it holds is what its table names.
#[test]
fn a_query_as_it_is_sent_is_read() {
    let query = "activity=newInstance&businessId=61e834ba&customerId=68cbc86a\
                 &expireTime=20200727153156&orderId=CS1906666666ABCDE&productId=00301-666666-0--0\
                 &testFlag=1&timeStamp=20200727073711903&authToken=Gzbfjf9L++=";
    let V1Call::NewInstance(call) = V1Call::read(&parse(query).unwrap()).unwrap() else { panic!() };
    assert!(call.test);
    assert_eq!(call.product_id, "00301-666666-0--0");
    assert_eq!(call.expires, Some(1_595_863_916));
}
