use proptest::prelude::*;

use super::*;
use crate::Remedy;

const NOW: i64 = 1_795_132_800;
const KEY: &str = "0123456789abcdef-basic";

fn key() -> AccessKey {
    AccessKey::new(KEY).unwrap()
}

fn record(number: &str) -> Record {
    Record {
        instance_id: "i-1".to_owned(),
        begin_time: NOW - 7200,
        end_time: NOW - 3600,
        record_time: NOW,
        amount: "12.50".parse().unwrap(),
        number: number.to_owned(),
        product_id: Some("OFFI1".to_owned()),
        package: None,
    }
}

#[test]
fn members_stand_in_their_natural_order() {
    let mut packaged = record("sn-1");
    packaged.package = Some("pkg-1".to_owned());
    let new = String::from_utf8(body(Edition::V2, &[packaged.clone()])).unwrap();
    assert_eq!(
        new,
        r#"{"usage_records":[{"begin_time":"20261119T220000Z","end_time":"20261119T230000Z","instance_id":"i-1","metering_sn":"sn-1","record_time":"20261120T000000Z","relate_pkg_instance":"pkg-1","usage_value":"12.5"}]}"#
    );
    let old = String::from_utf8(body(Edition::V1, &[record("sn-1")])).unwrap();
    assert_eq!(
        old,
        r#"{"usage_records":[{"begin_time":"20261119T220000Z","end_time":"20261119T230000Z","instance_id":"i-1","product_id":"OFFI1","record_time":"20261120T000000Z","usage_value":"12.5"}]}"#
    );
    let read = read_body(Edition::V2, new.as_bytes()).unwrap();
    assert_eq!(read, [Record { product_id: None, ..packaged }]);
    assert!(read_body(Edition::V1, new.as_bytes()).is_err());
    assert!(read_body(Edition::V2, old.as_bytes()).is_err());
}

/// Computed with OpenSSL: `printf 'ts=…&nonce=…&body=…' | openssl dgst -sha256 -hmac KEY -binary |
/// base64`.
#[test]
fn the_body_is_signed_as_the_page_says() {
    let [signature, ts, nonce] = headers(&key(), br#"{"usage_records":[]}"#, "n-1", NOW * 1000);
    assert_eq!((ts.0, ts.1.as_str()), ("ts", "1795132800000"));
    assert_eq!((nonce.0, nonce.1.as_str()), ("nonce", "n-1"));
    assert_eq!(signature.0, "signature");
    assert_eq!(signature.1, "bOTKcTsqQQ/Vw/MQXYFQ3eNDkGbrew7ZH5MX6gHMzFc=");
    assert!(is_signed(&key(), &signature.1, &ts.1, "n-1", br#"{"usage_records":[]}"#));
    assert!(!is_signed(&key(), &signature.1, &ts.1, "n-2", br#"{"usage_records":[]}"#));
    assert!(!is_signed(&key(), &signature.1, &ts.1, "n-1", br#"{"usage_records":[1]}"#));
}

#[test]
fn records_that_the_marketplace_would_refuse_are_not_taken() {
    let check = |change: &dyn Fn(&mut Record)| {
        let mut changed = record("sn-1");
        change(&mut changed);
        changed.check(NOW).map_err(|error| {
            assert!(!error.message_zh.is_ascii());
            error.member
        })
    };
    assert_eq!(check(&|_| ()), Ok(()));
    assert_eq!(check(&|r| r.begin_time = NOW - AGE_LIMIT), Ok(()));
    assert_eq!(check(&|r| r.begin_time = NOW - AGE_LIMIT - 1), Err("begin_time"));
    assert_eq!(check(&|r| r.end_time = r.begin_time), Ok(()));
    assert_eq!(check(&|r| r.end_time = r.begin_time - 1), Err("end_time"));
    assert_eq!(check(&|r| r.end_time = NOW + 300), Ok(()));
    assert_eq!(check(&|r| r.end_time = NOW + 301), Err("end_time"));
    assert_eq!(check(&|r| r.record_time = i64::MAX), Err("record_time"));
    assert_eq!(check(&|r| r.number = "n".repeat(64)), Ok(()));
    assert_eq!(check(&|r| r.number = "n".repeat(65)), Err("metering_sn"));
    assert_eq!(check(&|r| r.number = String::new()), Err("metering_sn"));
    assert_eq!(check(&|r| r.number = "a b".to_owned()), Err("metering_sn"));
    assert_eq!(check(&|r| r.instance_id = "i\0".to_owned()), Err("instance_id"));
    assert_eq!(check(&|r| r.package = Some(String::new())), Err("relate_pkg_instance"));
    assert_eq!(check(&|r| r.product_id = Some("p".repeat(65))), Err("product_id"));
}

#[test]
fn an_answer_tells_what_became_of_each_record() {
    let sent = [record("a"), record("b"), record("c")];
    let done = read_answer(200, br#"{"error_code":"MKT.0000"}"#, &sent).unwrap();
    assert!(done.len() == 3 && done.iter().all(Result::is_ok));

    let codes = |verdicts: Verdicts| -> Vec<String> {
        verdicts
            .into_iter()
            .map(|verdict| verdict.map_or_else(|failure| failure.code, |()| "ok".to_owned()))
            .collect()
    };
    let answer = partly(&[("b", "MKT.9004")]);
    assert_eq!(codes(read_answer(200, &answer, &sent).unwrap()), ["ok", "MKT.9004", "ok"]);

    // Every spelling of the list, and elements without codes or wrapped ones.
    for list in [
        r#""AbnormalUsageData":[{"metering_sn":"c"}]"#,
        r#""abnormalUsageDataList":[{"usage_data":{"metering_sn":"c"},"reason":"x"}]"#,
        r#""data":{"abnormal_usage_data":[{"meteringSn":"c","errorCode":94060999}]}"#,
    ] {
        let answer = format!(r#"{{"error_code":"94060999","error_msg":"words",{list}}}"#);
        let verdicts = read_answer(200, answer.as_bytes(), &sent).unwrap();
        let failure = verdicts[2].clone().unwrap_err();
        assert_eq!((failure.code.as_str(), failure.remedy), ("94060999", Remedy::GiveUp));
        assert_eq!(failure.message, "words");
        assert_eq!(codes(verdicts), ["ok", "ok", "94060999"], "{list}");
    }
}

/// V1 has no numbers: what is said about a record names its instance and times.
#[test]
fn records_without_a_number_are_known_by_their_times() {
    let mut sent = [record(""), record(""), record("")];
    sent[1].begin_time -= 60;
    let answer = br#"{"error_code":"94060999","abnormal_usage_data":[{"instance_id":"i-1",
        "begin_time":"20261119T215900Z","end_time":"20261119T230000Z","error_code":"MKT.9001"}]}"#;
    let verdicts = read_answer(200, answer, &sent).unwrap();
    let wrong: Vec<bool> = verdicts.iter().map(Result::is_err).collect();
    assert_eq!(wrong, [false, true, false]);
}

/// Whoever does not say which records are wrong says that the call is.
#[test]
fn a_list_that_tells_nothing_is_about_the_call() {
    let sent = [record("a"), record("b")];
    for list in [
        "",
        r#","abnormal_usage_data":[]"#,
        r#","abnormal_usage_data":[{"metering_sn":"unknown"}]"#,
        r#","abnormal_usage_data":[{"instance_id":"i-1"}]"#,
        r#","abnormal_usage_data":[7]"#,
        r#","abnormal_usage_data":"b""#,
    ] {
        let answer = format!(r#"{{"error_code":"94060999"{list}}}"#);
        let failure = read_answer(200, answer.as_bytes(), &sent).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.remedy), ("94060999", Remedy::GiveUp), "{list}");
    }
}

#[test]
fn refusals_of_the_call_have_their_remedy() {
    for (status, code, remedy, access_key) in [
        (500, "94060001", Remedy::TryAgain, false),
        (401, "94060002", Remedy::FixCredentials, true),
        (200, "MKT.0102", Remedy::GiveUp, true),
        (200, "MKT.0999", Remedy::TryAgain, false),
        (401, "MKT.0154", Remedy::FixCredentials, false),
        (200, "MKT.9004", Remedy::GiveUp, false),
    ] {
        let answer = format!(r#"{{"error_code":"{code}"}}"#);
        let failure = read_answer(status, answer.as_bytes(), &[record("a")]).unwrap_err();
        assert_eq!(
            (failure.remedy, is_about_the_access_key(&failure)),
            (remedy, access_key),
            "{code}"
        );
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(status: u16, answer: Vec<u8>, text in "\\PC{0,20}") {
        let sent = [record("a")];
        let _ = read_answer(status, &answer, &sent);
        let element = serde_json::json!({ "error_code": "94060999", "abnormal": [{ &text: &text }, text] });
        let _ = read_answer(200, element.to_string().as_bytes(), &sent);
        let _ = read_body(Edition::V2, &answer);
    }
}
