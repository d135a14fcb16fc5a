//! "Parse the body into a flat map under limits and nothing else, choose the key by the activity's
//! interface type, verify (raw bytes first, then the canonical form), then read it. The window is
//! +-60 s."

use license_tests::call::{self, Call};
use license_tests::server::Site;
use license_tests::{GENERAL_KEY, KEY, KIT_KEY, LICENSE_CODE_KEY, time};
use serde_json::json;

/// Each case with its own order, so that no case helps another.
fn order() -> String {
    format!("CS{}", time::unique().to_uppercase())
}

#[test]
fn a_body_is_parsed_before_and_read_after_the_signature() {
    let server = Site::new().start();

    // No signature can be right for what is no object: the form is named first.
    let broken = Call::signed(*b"{\"activity\":", "a-key-that-nobody-configured", time::now_ms());
    assert_eq!(broken.send(&server)["resultCode"], "000002");

    // Fields are not looked at for a stranger, who would learn the rules by asking.
    let missing = json!({ "activity": "newInstance" }).to_string();
    let stranger = Call::signed(missing.as_str(), "a-key-that-nobody-configured", time::now_ms());
    assert_eq!(stranger.send(&server)["resultCode"], "000001");
    let known = Call::new(missing.as_str());
    assert_eq!(known.send(&server)["resultCode"], "000002");
}

#[test]
fn the_raw_bytes_and_the_canonical_form_both_verify() {
    let server = Site::new().start();
    let order = order();

    // As the marketplace sends it: neither sorted nor compact, signed over the bytes.
    let loose = format!(
        "{{ \"orderId\" : \"{order}\",\n \"orderLineId\":\"{order}-000001\",\n\
         \t\"businessId\":\"b\", \"activity\":\"newInstance\" }}"
    );
    assert_eq!(Call::new(loose.as_str()).send(&server)["resultCode"], "000000");

    // Signed over the sorted, null-free, compact form, but sent otherwise.
    let canonical = format!(
        "{{\"activity\":\"newInstance\",\"businessId\":\"b/ü𠮷\",\"orderId\":\"{order}\",\
         \"orderLineId\":\"{order}-000001\"}}"
    );
    let sent = format!(
        "{{\"orderLineId\":\"{order}-000001\", \"testFlag\":null, \"businessId\":\"b\\/\\u00fc\\ud842\\udfb7\", \
         \"orderId\":\"{order}\", \"activity\":\"newInstance\"}}"
    );
    let query = call::query(KEY, canonical.as_bytes(), &time::now_ms().to_string());
    let call = Call { query, body: sent.into_bytes() };
    assert_eq!(call.send(&server)["resultCode"], "000000");

    // Neither of them.
    let other = canonical.replace("\"b/", "\"c/");
    let query = call::query(KEY, other.as_bytes(), &time::now_ms().to_string());
    let call = Call { query, body: canonical.into_bytes() };
    assert_eq!(call.send(&server)["resultCode"], "000001");
}

#[test]
fn the_key_is_that_of_the_activitys_interface_type() {
    let old_key = "basic-interface-key-before-the-change";
    let both = format!("[\"{KEY}\", \"{old_key}\"]");
    let server = Site::new().with("LICD_KOOGALLERY__ACCESS_KEY", &both).start();
    let signed = |key: &str| {
        let body = call::new_instance(&order()).to_string();
        Call::signed(body, key, time::now_ms()).send(&server)["resultCode"].clone()
    };

    assert_eq!(signed(KEY), "000000");
    assert_eq!(signed(old_key), "000000", "a key is changed without a gap");
    for other in [LICENSE_CODE_KEY, KIT_KEY, GENERAL_KEY, "no-key-of-ours-at-all"] {
        assert_eq!(signed(other), "000001", "{other}");
    }
}

#[test]
fn an_empty_key_verifies_nothing() {
    let server = Site::new().with("LICD_KOOGALLERY__ACCESS_KEY", "").start();
    for key in ["", KEY, "0000000000000000"] {
        let body = call::new_instance(&order()).to_string();
        let call = Call::signed(body, key, time::now_ms());
        assert_eq!(call.send(&server)["resultCode"], "000001", "{key:?}");
    }
}

#[test]
fn the_window_has_two_sides_and_seconds_count_too() {
    let server = Site::new().start();
    let signed_at = |timestamp: String| {
        let body = call::new_instance(&order()).to_string();
        let query = call::query(KEY, body.as_bytes(), &timestamp);
        let call = Call { query, body: body.into_bytes() };
        call.send(&server)["resultCode"].as_str().unwrap().to_owned()
    };
    let now = time::now_ms();
    for (timestamp, expected) in [
        (now.to_string(), "000000"),
        ((now / 1000).to_string(), "000000"),
        ((now - 50_000).to_string(), "000000"),
        ((now + 50_000).to_string(), "000000"),
        ((now - 62_000).to_string(), "000002"),
        ((now + 90_000).to_string(), "000002"),
        ((now / 1000 - 62).to_string(), "000002"),
        ("0".to_owned(), "000002"),
        (format!("-{now}"), "000002"),
        ("99999999999999999999999".to_owned(), "000002"),
        ("yesterday".to_owned(), "000002"),
    ] {
        assert_eq!(signed_at(timestamp.clone()), expected, "{timestamp} at {now}");
    }
}

#[test]
fn case_does_not_matter_and_nothing_may_be_missing() {
    let server = Site::new().start();
    let body = call::new_instance(&order()).to_string();
    let now = time::now_ms().to_string();
    let nonce = time::unique();
    let signature = call::signature(KEY, body.as_bytes(), &nonce, &now);
    let code = |query: String| {
        let call = Call { query, body: body.clone().into_bytes() };
        call.send(&server)["resultCode"].as_str().unwrap().to_owned()
    };

    let lower = signature.to_lowercase();
    assert_eq!(code(format!("signature={signature}&timestamp={now}&nonce={nonce}")), "000000");
    assert_eq!(code(format!("nonce={nonce}&signature={lower}&timestamp={now}")), "000000");
    assert_eq!(code(format!("timestamp={now}&nonce={nonce}")), "000001");
    assert_eq!(code(format!("signature=&timestamp={now}&nonce={nonce}")), "000001");
    assert_eq!(code(format!("signature={signature}&nonce={nonce}")), "000002");
    assert_eq!(code(format!("signature={signature}&timestamp={now}")), "000002");
    assert_eq!(code(format!("signature={signature}&timestamp={now}&nonce=")), "000002");
    assert_eq!(code(String::new()), "000002");
    let cut = &signature[..62];
    assert_eq!(code(format!("signature={cut}&timestamp={now}&nonce={nonce}")), "000001");
    assert_eq!(code(format!("signature={signature}0&timestamp={now}&nonce={nonce}")), "000001");
}
