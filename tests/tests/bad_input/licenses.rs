//! A real license, cut anywhere and with any byte changed: never accepted, never a surprise.

use license_core::trust::KeyRing;
use license_core::verify::{self, VerifyContext};
use license_tests::call;
use license_tests::market::{self, TestMarketplace};
use license_tests::server::Site;
use license_tests::{MACHINE, flowsim, license, time};
use serde_json::json;

struct Issued {
    keys: KeyRing,
    string: String,
    file: String,
}

/// One license of a real server, in both forms.
fn issued() -> Issued {
    let marketplace = TestMarketplace::start();
    let server = Site::towards(&marketplace).start();
    let issue = |form: &str| {
        let mut product = flowsim();
        product["license"]["form"] = json!(form);
        server.apply_product(&product);
        let order = market::period(1);
        marketplace.sell(&order);
        let instance = server.buy_and_read(&order.id);
        let event = format!("EV-{}", time::unique());
        assert_eq!(server.code(&call::apply(&instance, &event, MACHINE)), "000004");
        marketplace.wait_for(&event, time::SOON).license
    };
    let (string, file) = (issue("string"), issue("file"));
    assert!(string.starts_with("eyJ") && file.contains("-----BEGIN LICENSE-----"));
    Issued { keys: license::keys(&server), string, file }
}

#[test]
fn no_cut_and_no_changed_byte_is_accepted() {
    let Issued { keys, string, file } = issued();
    let now = license_core::time::Timestamp::from_secs(time::now());
    let question =
        VerifyContext { product: Some("flowsim"), device: Some(MACHINE), ..VerifyContext::at(now) };
    let code = |bytes: &[u8]| match verify::license(bytes, &keys, &question) {
        Ok(_) => "OK".to_owned(),
        Err(refusal) => refusal.code().to_string(),
    };
    assert_eq!(code(string.as_bytes()), "OK");
    assert_eq!(code(file.as_bytes()), "OK");

    let known = ["LICENSE_MALFORMED", "SIGNATURE_INVALID", "KEY_UNKNOWN", "LICENSE_DAMAGED"];
    for end in 0..string.len() {
        let refused = code(&string.as_bytes()[..end]);
        assert!(known.contains(&refused.as_str()), "cut at {end}: {refused}");
    }
    for at in 0..string.len() {
        for change in [0x01_u8, 0x20, 0x80] {
            let mut bytes = string.clone().into_bytes();
            bytes[at] ^= change;
            let refused = code(&bytes);
            assert!(known.contains(&refused.as_str()), "byte {at} ^ {change:#x}: {refused}");
        }
    }

    // In the file form damage is told from forgery. What is around the document is for people or
    // for readers that look for a block: without it the document is still the one that was signed.
    let begin = file.find("eyJ").unwrap();
    let end = file.find("-----END LICENSE-----").unwrap();
    for cut in 0..end {
        let refused = code(&file.as_bytes()[..cut]);
        assert!(known.contains(&refused.as_str()), "file cut at {cut}: {refused}");
    }
    let mut damaged = 0;
    for at in begin..end {
        let mut bytes = file.clone().into_bytes();
        if bytes[at].is_ascii_whitespace() {
            continue;
        }
        bytes[at] ^= 0x01;
        let refused = code(&bytes);
        assert!(known.contains(&refused.as_str()), "file byte {at}: {refused}");
        damaged += usize::from(refused == "LICENSE_DAMAGED");
    }
    assert!(damaged > string.len() / 2, "{damaged} changes were named as damage");
}
