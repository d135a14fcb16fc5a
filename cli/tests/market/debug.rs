//! `licctl market debug` finds nothing in a seller that obeys, and every fault in others.

use std::fs;

use crate::fake::{CODE_KEY, Fault, GENERAL_KEY, KEY, KIT_KEY, Seller};
use crate::{json, run};

fn failed_cases(fault: Option<Fault>) -> (Option<i32>, Vec<String>) {
    let seller = Seller::start(fault);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, key: &str| {
        let path = folder.path().join(name);
        fs::write(&path, key).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (code, general, kit) =
        (file("code", CODE_KEY), file("general", GENERAL_KEY), file("kit", KIT_KEY));
    let keys = ["--license-code-key-file", &code, "--general-key-file", &general];
    let start = ["market", "debug", &seller.url, "--access-key", KEY, "--json"];
    let (code, out, err) = run(&[&start[..], &keys, &["--kit-key-file", &kit]].concat());
    assert!(!err.contains("NOT TRIED"), "{err}");
    let rows = json(&out);
    let rows = rows.as_array().unwrap();
    assert!(rows.len() > 300, "{}", rows.len());
    assert!(rows.iter().all(|row| row["section"] != "" && row["verdict"] != "skipped"));
    let failed = rows.iter().filter(|row| row["verdict"] == "fail");
    (code, failed.map(|row| row["case"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn a_seller_that_obeys_passes() {
    assert_eq!(failed_cases(None), (Some(0), Vec::new()));
}

#[test]
fn every_fault_is_found() {
    for (fault, case) in [
        (Fault::InstancePerRequest, "create-again"),
        (Fault::AcceptsReplays, "update-replayed"),
        (Fault::AcceptsTheFuture, "stale-future"),
        (Fault::AcceptsAnySignature, "wrong-signature"),
        (Fault::OnlyRawBytes, "reordered-canonical"),
        (Fault::OnlyLowerCase, "signature-upper-case"),
        (Fault::ForgetsReleased, "order-release-first"),
        (Fault::KnowsEveryInstance, "instance-unknown"),
        (Fault::NoFieldLengths, "field-too-long"),
        (Fault::NoBodyLimit, "body-too-large"),
        (Fault::AnyMethod, "method"),
        (Fault::RefusesLicenses, "license"),
        (Fault::OneForAll, "foreign-key"),
        (Fault::OneForAll, "v1-foreign-key"),
        (Fault::OneForAll, "kit-foreign-key"),
        (Fault::NoBodySign, "v1-create"),
        (Fault::AnotherLicense, "v1-license-again"),
        (Fault::SyncsOnce, "kit-again"),
        (Fault::NoUpgrade, "upgrade"),
    ] {
        let (code, failed) = failed_cases(Some(fault));
        assert_eq!(code, Some(1), "{fault:?}");
        assert!(failed.iter().any(|name| name == case), "{fault:?}: {failed:?}");
    }
}

#[test]
fn people_get_a_table_with_a_total() {
    let seller = Seller::start(Some(Fault::AcceptsReplays));
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, format!("{KEY}\n")).unwrap();
    let key = key.to_str().unwrap();
    let url = seller.url.as_str();
    let (code, out, err) = run(&["market", "debug", url, "--access-key-file", key]);
    assert_eq!(code, Some(1));
    assert!(out.lines().next().unwrap().contains("answered"), "{out}");
    assert!(out.contains("FAIL: 000000 instead of 000002"), "{out}");
    let last = out.lines().last().unwrap();
    assert!(last.contains(" failed, 3 interface types not tried"), "{last}");
    for option in ["--license-code-key-file", "--general-key-file", "--kit-key-file"] {
        let said = err.lines().find(|line| line.contains(option)).unwrap();
        assert!(said.contains("NOT TRIED"), "{said}");
    }

    let (_, out, _) = run(&["market", "debug", url, "--access-key-file", key, "--lang", "zh"]);
    assert!(out.contains("不通过:000000,应为 000002") || out.contains("不通过: 000000"), "{out}");
    assert!(out.contains("nonce 重复"), "{out}");
}

#[test]
fn nothing_there_and_a_wrong_key_are_told_apart() {
    let (code, out, err) = run(&["market", "debug", "http://127.0.0.1:1/k", "--access-key", KEY]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("SERVER_UNREACHABLE") && err.contains("is licd running"), "{err}");

    let seller = Seller::start(None);
    let wrong = "another-key-for-tests";
    let (code, out, err) = run(&["market", "debug", &seller.url, "--access-key", wrong, "--json"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("is this the key"), "{err}");
    assert_eq!(json(&out)[0]["why"], "000001 instead of 000000 / 000004");
}
