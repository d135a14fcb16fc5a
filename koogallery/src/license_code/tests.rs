//! The printed samples, the unprinted forms, and both sides against each other.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::Remedy;

const ACTIVATED: &str = r#"{"error_code":"92020000","error_msg":"success","data":{"license_code_info":"{\"status\":\"ALIVE\",\"expire_time\":\"20230726121646\",\"product_id\":\"12345\",\"amount\":2,\"order_id\":\"CS123\"}"}}"#;

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn info(code: &str) -> CodeInfo {
    CodeInfo {
        code: Some(code.to_owned()),
        status: Some(LicenseCodeStatus::Alive),
        expires: Some(1_690_373_806),
        activated: Some(1_690_000_000),
        product_id: Some("12345".to_owned()),
        sku_code: None,
        order_id: Some("CS123".to_owned()),
        amount: Some(2),
        raw: String::new(),
    }
}

#[test]
fn requests_are_as_printed() {
    assert_eq!(activate_one("PLXXXXXX", None), br#"{"license":"PLXXXXXX"}"#);
    assert_eq!(heartbeat_one("PLXXXXXX"), br#"{"license":"PLXXXXXX"}"#);
    let codes = ["PL****001".to_owned(), "PL****002".to_owned()];
    let since = Some(crate::time::parse("20260102153555").unwrap());
    assert_eq!(
        json(&activate_batches(&codes, since)[0]),
        json(br#"{"license_list":["PL****001","PL****002"],"real_effect_time":"20260102153555"}"#)
    );
    assert_eq!(
        path(CodeInterface::Activate, Edition::V1),
        "/api/mkp-openapi-public/global/v1/license/activate"
    );
    for interface in [CodeInterface::Activate, CodeInterface::Heartbeat] {
        for edition in [Edition::V1, Edition::V2] {
            assert_eq!(of_path(path(interface, edition)), Some((interface, edition)));
        }
    }
    assert_eq!(of_path("/api/mkp-openapi-public/global/v3/license/activate"), None);
}

#[test]
fn a_batch_names_a_hundred_codes_and_none_is_left_out() {
    let codes: Vec<String> = (0..250).map(|i| format!("PL{i}")).collect();
    for bodies in [activate_batches(&codes, None), heartbeat_batches(&codes)] {
        let asked: Vec<CodeRequest> =
            bodies.iter().map(|body| read_request(Edition::V2, body).unwrap()).collect();
        let sizes: Vec<usize> = asked.iter().map(|asked| asked.codes.len()).collect();
        assert_eq!(sizes, [100, 100, 50]);
        let named: Vec<String> = asked.into_iter().flat_map(|asked| asked.codes).collect();
        assert_eq!(named, codes);
    }
    assert!(activate_batches(&[], None).is_empty());
}

#[test]
fn the_printed_answer_is_read() {
    let found = read_one(200, ACTIVATED.as_bytes()).unwrap();
    assert_eq!(found.status, Some(LicenseCodeStatus::Alive));
    assert_eq!(found.expires, Some(1_690_373_806));
    assert_eq!(found.product_id.as_deref(), Some("12345"));
    assert_eq!(found.order_id.as_deref(), Some("CS123"));
    assert_eq!(found.quantity(), 2);
    assert_eq!(found.raw, ACTIVATED);

    let beat = r#"{"error_code":"92020000","error_msg":"","data":{"license_code":"PL1",
        "status":"EXPIRED","activate_time":"whenever","later":{"a":1}}}"#;
    let found = read_one(200, beat.as_bytes()).unwrap();
    assert_eq!((found.code.as_deref(), found.quantity()), (Some("PL1"), 1));
    assert_eq!((found.expires, found.activated), (None, None));
    assert_eq!(found.status, Some(LicenseCodeStatus::Expired));
}

#[test]
fn forms_that_are_not_public_are_read_as_well() {
    let element = r#"{"license_code":"PL2","status":"released","expire_time":"20230726121646000","amount":"3"}"#;
    for data in [
        element.to_owned(),
        format!("[{element}]"),
        format!(r#"{{"license_list":[{element}]}}"#),
        format!(r#"{{"total":1,"list":[{element}]}}"#),
        format!(r#"[{{"license":"PL2","license_code_info":{element}}}]"#),
    ] {
        let body = format!(r#"{{"error_code":92020000,"data":{data}}}"#);
        let found = read_many(200, body.as_bytes(), &["PL2".to_owned()]).unwrap();
        let found = found[0].as_ref().expect(&data);
        assert_eq!(found.status, Some(LicenseCodeStatus::Released), "{data}");
        assert_eq!((found.expires, found.quantity()), (Some(1_690_373_806), 3), "{data}");
        assert!(found.raw.contains("20230726121646000"), "{data}");
    }
}

#[test]
fn elements_belong_to_the_codes_that_they_name() {
    let codes = ["PL1".to_owned(), "PL2".to_owned(), "PL3".to_owned()];
    let body = answer(CodeInterface::Activate, Edition::V2, &[info("PL3"), info("PL1")]);
    let found = read_many(200, &body, &codes).unwrap();
    let named: Vec<_> = found.iter().map(|f| f.as_ref().and_then(|f| f.code.clone())).collect();
    assert_eq!(named, [Some("PL1".to_owned()), None, Some("PL3".to_owned())]);

    let nameless = |n: usize| {
        let elements = vec![r#"{"status":"ALIVE"}"#; n].join(",");
        format!(r#"{{"error_code":"92020000","data":[{elements}]}}"#)
    };
    let found = read_many(200, nameless(3).as_bytes(), &codes).unwrap();
    assert!(found.iter().all(Option::is_some));
    let found = read_many(200, nameless(2).as_bytes(), &codes).unwrap();
    assert!(found.iter().all(Option::is_none), "nobody knows whose these are");
    assert!(read_one(200, nameless(2).as_bytes()).is_err());
}

#[test]
fn what_cannot_be_trusted_is_no_answer() {
    for body in [
        r#"{"error_code":"92020000"}"#,
        r#"{"error_code":"92020000","data":null}"#,
        r#"{"error_code":"92020000","data":"PL1"}"#,
        r#"{"error_code":"92020000","data":[]}"#,
        r#"{"error_code":"92020000","data":{"license_code_info":"{"}}"#,
        r#"{"error_code":"92020000","data":{"status":"ALIVE","expire_time":"tomorrow"}}"#,
        "<html>",
    ] {
        let failure = read_one(200, body.as_bytes()).expect_err(body);
        assert_eq!((failure.code.as_str(), failure.remedy), ("ANSWER_INVALID", Remedy::TryAgain));
    }
}

#[test]
fn refusals_are_told_apart_by_status() {
    let refused = |status: u16, code: &str| {
        let failure = read_one(status, &refusal(code, "words")).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.message.as_str()), (code, "words"));
        (failure.remedy, failure.meaning)
    };
    let (remedy, unauthorized) = refused(403, "92020001");
    assert_eq!(remedy, Remedy::FixCredentials);
    for status in [200, 500] {
        let (remedy, internal) = refused(status, "92020001");
        assert_eq!(remedy, Remedy::TryAgain);
        assert_ne!(internal, unauthorized);
    }
    for (status, code) in [(400, "92020002"), (200, "92020004"), (200, "92020005")] {
        assert_eq!(refused(status, code).0, Remedy::GiveUp, "{code}");
    }
}

#[test]
fn what_the_marketplace_would_refuse_is_refused() {
    for (edition, body) in [
        (Edition::V1, "{}".to_owned()),
        (Edition::V1, "[".to_owned()),
        (Edition::V1, r#"{"license":""}"#.to_owned()),
        (Edition::V1, r#"{"license":7}"#.to_owned()),
        (Edition::V1, format!(r#"{{"license":"{}"}}"#, "P".repeat(65))),
        (Edition::V1, r#"{"license":"PL1","real_effect_time":"20230726T121646Z"}"#.to_owned()),
        (Edition::V1, r#"{"license":"PL1","real_effect_time":"20230726121646000"}"#.to_owned()),
        (Edition::V2, r#"{"license":"PL1"}"#.to_owned()),
        (Edition::V2, r#"{"license_list":[]}"#.to_owned()),
        (Edition::V2, format!(r#"{{"license_list":[{}"PL1"]}}"#, r#""PL1","#.repeat(100))),
    ] {
        assert!(read_request(edition, body.as_bytes()).is_err(), "{body}");
    }
}

proptest! {
    #[test]
    fn both_sides_agree(
        code in "PL[A-Z0-9]{1,20}",
        expires in proptest::option::of(0i64..4_000_000_000),
        amount in proptest::option::of(1i64..10_000),
        batch in any::<bool>(),
        activate in any::<bool>(),
    ) {
        let edition = if batch { Edition::V2 } else { Edition::V1 };
        let interface = if activate { CodeInterface::Activate } else { CodeInterface::Heartbeat };
        let told = CodeInfo { expires, amount, ..info(&code) };
        let body = answer(interface, edition, std::slice::from_ref(&told));
        let mut read = read_one(200, &body).unwrap();
        prop_assert!(!read.raw.is_empty());
        // v1's answer to "activate" does not repeat the code.
        prop_assert!(read.code.is_some() || (activate && !batch));
        read.raw = String::new();
        read.code = told.code.clone();
        prop_assert_eq!(read, told);
    }

    #[test]
    fn no_answer_makes_it_panic(status: u16, body: Vec<u8>, data in "\\PC{0,60}") {
        let _ = read_one(status, &body);
        let answer = format!(r#"{{"error_code":"92020000","data":{data}}}"#);
        let _ = read_many(200, answer.as_bytes(), &["PL1".to_owned()]);
        let _ = read_request(Edition::V2, &body);
    }
}
