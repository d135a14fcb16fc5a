//! `licctl market debug` finds nothing in a seller that obeys, and every fault in others.

use crate::fake::{Fault, KEY, Seller};
use crate::{json, run};

fn failed_cases(fault: Option<Fault>) -> (Option<i32>, Vec<String>) {
    let seller = Seller::start(fault);
    let (code, out, _) = run(&["market", "debug", &seller.url, "--access-key", KEY, "--json"]);
    let rows = json(&out);
    let rows = rows.as_array().unwrap();
    assert!(rows.len() > 90, "{}", rows.len());
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
    std::fs::write(&key, format!("{KEY}\n")).unwrap();
    let key = key.to_str().unwrap();
    let url = seller.url.as_str();
    let (code, out, _) = run(&["market", "debug", url, "--access-key-file", key]);
    assert_eq!(code, Some(1));
    assert!(out.lines().next().unwrap().contains("answered"), "{out}");
    assert!(out.contains("FAIL: 000000 instead of 000002"), "{out}");
    assert!(out.lines().last().unwrap().contains("3 failed"), "{out}");

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
