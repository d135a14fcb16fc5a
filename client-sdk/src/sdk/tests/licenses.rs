//! Getting a license: from the server, from memory, from what the program found.

use license_core::{
    Code,
    armor::{self, Label},
    issue::{self, ListSequences},
    jws::DocType,
    revocation::RevocationStatus,
    time::DAY,
};
use serde_json::json;

use super::world::*;
use crate::{Config, EventType, LicenseType, VerifyRequest};

#[test]
fn the_server_is_asked_once_and_then_the_license_answers_without_it() {
    let world = World::new();
    let document = sealed(&license(DEVICE, |_| {}));
    world.server.gives(&document);
    let online = world.online();
    let params = online.string();
    assert_eq!(
        params,
        json!({"Status": "success", "LicenseContent": document, "LicenseType": "string"})
    );
    assert_eq!(online.sdk.entitlement("solver-cores").as_deref(), Some("64"));
    assert_eq!(online.sdk.entitlement("mesh").as_deref(), Some("true"));
    assert_eq!(online.sdk.entitlement("turbulence"), None);
    online.end();

    let offline = world.start(world.offline());
    assert_eq!(offline.sdk.entitlement("solver-cores").as_deref(), Some("64"));
    assert_eq!(offline.string()["LicenseContent"], document);
    offline.end();
}

#[test]
fn the_license_comes_as_a_file_where_the_program_wants_it() {
    let world = World::new();
    world.server.gives(&sealed(&license(DEVICE, |_| {})));
    let online = world.online();
    let elsewhere = world.root.path().join("仿真/我的许可.lic");
    for (name, place) in [
        ("", world.state("license.lic")),
        ("copy.lic", world.state("copy.lic")),
        (elsewhere.to_str().unwrap(), elsewhere.clone()),
    ] {
        assert_eq!(online.sdk.license_file_request(name, ""), Code::Ok);
        let params = online.next(EventType::LicenseVerify);
        assert_eq!(params["LicenseType"], "file");
        assert_eq!(params["LicenseFilePath"], place.to_str().unwrap(), "{params}");
        let outcome = online.sdk.open_license(&[place.to_str().unwrap()]);
        assert_eq!(outcome.code(), Code::Ok, "{outcome}");
    }
    for name in ["../up.lic", "clock", "numbers.json", "trust.jws", "licsdk.toml"] {
        assert_eq!(online.sdk.license_file_request(name, ""), Code::RequestInvalid, "{name}");
    }
    let trial = online.sdk.trial_expiration_and_license(LicenseType::File, "", "trial.lic");
    assert_eq!(trial, Code::Ok);
    assert_eq!(
        online.next(EventType::LicenseVerify)["LicenseFilePath"],
        world.state("trial.lic").to_str().unwrap()
    );
    online.end();
}

#[test]
fn the_program_may_speak_for_another_machine_but_not_with_nothing() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    let offline = world.start(world.offline());
    assert_eq!(offline.sdk.license_string_request(OTHER), Code::Ok);
    assert_eq!(offline.next(EventType::LicenseVerify)["ErrorCode"], "MACHINE_MISMATCH");
    assert_eq!(offline.sdk.license_string_request("|||"), Code::MachineUnreadable);
    let long = "X".repeat(5_121);
    assert_eq!(offline.sdk.license_string_request(&long), Code::MachineUnreadable);
    offline.end();
}

#[test]
fn without_a_license_and_a_server_the_reason_is_told_in_both_languages() {
    let world = World::new();
    let offline = world.start(world.offline());
    let params = offline.string();
    assert_eq!(params["Status"], "failed");
    assert_eq!(params["LicenseType"], "string");
    assert_eq!(params["ErrorCode"], "LICENSE_MISSING");
    let message = params["ErrorMsg"].as_str().unwrap();
    assert!(message.contains("license server") && message.contains("许可证服务器"), "{message}");
    offline.end();

    let nobody = world.start(Config { server: "http://127.0.0.1:1".to_owned(), ..world.config() });
    assert_eq!(nobody.code(), "SERVER_UNREACHABLE");
    world.keep(&license(DEVICE, |license| license.expires = Some(NOW)));
    let params = nobody.string();
    assert_eq!(
        params["ErrorCode"], "LICENSE_EXPIRED",
        "what is wrong with what he has comes first"
    );
    assert!(params["ErrorMsg"].as_str().unwrap().contains("cannot be reached"));
    nobody.end();
}

#[test]
fn what_the_server_refuses_is_passed_on() {
    let world = World::new();
    let online = world.online();
    for (status, code) in [
        (403, Code::ActivationCodeUnknown),
        (409, Code::MachinesExhausted),
        (429, Code::RateLimited),
        (503, Code::ServiceUnavailable),
    ] {
        world.server.script(move |_, _| Some(refused(status, code)));
        assert_eq!(online.code(), code.as_str());
    }
    let none = world.start(Config { activation_code: String::new(), ..world.config() });
    assert_eq!(none.code(), "LICENSE_MISSING", "without an activation code nobody is asked");
    none.end();
    online.end();
}

#[test]
fn an_answer_to_another_question_or_by_somebody_else_is_refused_and_not_kept() {
    let world = World::new();
    let good = license(DEVICE, |_| {});
    let document = sealed(&good);
    let online = world.online();
    let receipt = |nonce: &str, license: &str, seed: u8| {
        issue::receipt("licd", NOW, nonce, license, ListSequences::default(), &key(seed)).unwrap()
    };
    let mut cases: Vec<(String, String, &str)> = vec![
        (document.clone(), receipt("another nonce", &document, 1), "RECEIPT_INVALID"),
        (document.clone(), "not a receipt".to_owned(), "RECEIPT_INVALID"),
        (document.clone(), document.clone(), "RECEIPT_INVALID"),
    ];
    // The nonces of this world are numbered.
    let mut nonce = 3u8;
    let mut next = || {
        let text = format!("{nonce:02x}").repeat(24);
        nonce += 1;
        text
    };
    cases.push((document.clone(), receipt(&next(), "another license", 1), "RECEIPT_INVALID"));
    cases.push((document.clone(), receipt(&next(), &document, 2), "RECEIPT_INVALID"));
    cases.push((document.clone(), receipt(&next(), &document, 9), "KEY_UNKNOWN"));
    let forged = issue::seal(DocType::License, &good, &key(9)).unwrap();
    cases.push((forged.clone(), receipt(&next(), &forged, 1), "KEY_UNKNOWN"));
    let changed = format!("{}A", &document[..document.len() - 1]);
    cases.push((changed.clone(), receipt(&next(), &changed, 1), "SIGNATURE_INVALID"));
    let foreign = sealed(&license(OTHER, |_| {}));
    cases.push((foreign.clone(), receipt(&next(), &foreign, 1), "MACHINE_MISMATCH"));
    let product = sealed(&license(DEVICE, |license| license.product = "other".to_owned()));
    cases.push((product.clone(), receipt(&next(), &product, 1), "PRODUCT_MISMATCH"));
    for (license, receipt, expected) in cases {
        let receipt_here = receipt.clone();
        world.server.script(move |_, _| Some(answered(&license, &receipt_here)));
        let code = online.code();
        // A changed last character may also be no canonical base64.
        let malformed = expected == "SIGNATURE_INVALID" && code == "LICENSE_MALFORMED";
        assert!(code == expected || malformed, "{code} instead of {expected}");
    }
    assert_eq!(world.read("license.lic"), None);
    online.end();
}

#[test]
fn a_refresh_in_the_background_tells_nothing_and_brings_the_newer_license() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    let renewed = license(DEVICE, |license| {
        license.id = "lic-2".to_owned();
        license.issued_at = NOW;
        license.expires = Some(NOW.plus(700 * DAY));
    });
    let document = sealed(&renewed);
    world.server.gives(&document);
    let online = world.online();
    assert_ne!(online.string()["LicenseContent"], document, "the kept one answers at once");
    until(|| world.read("license.lic").is_some_and(|text| text.contains("2028-12-")));
    assert_eq!(online.string()["LicenseContent"], document);
    assert_eq!(world.server.count("/v1/client/licenses"), 1, "once an hour");
    online.end();
}

/// What the server says to a question for the license.
type Answers = Box<dyn Fn(&str) -> Answer + Send>;

#[test]
fn a_failed_or_lesser_answer_never_takes_away_what_is_there() {
    let world = World::new();
    let kept = license(DEVICE, |_| {});
    world.keep(&kept);
    let before = world.read("license.lic").unwrap();
    let older = sealed(&license(DEVICE, |license| {
        license.id = "lic-0".to_owned();
        license.issued_at = NOW.plus(-90 * DAY);
    }));
    let trial = sealed(&license(DEVICE, |license| {
        license.instance = "trial".to_owned();
        license.issued_at = NOW;
        license.expires = Some(NOW.plus(DAY));
    }));
    let other_machine = sealed(&license(OTHER, |license| license.issued_at = NOW));
    let answers: Vec<Answers> = vec![
        Box::new(|_| refused(403, Code::ActivationCodeUnknown)),
        Box::new(|_| refused(409, Code::LicenseRevoked)),
        Box::new(|_| ok("<html>captive portal</html>")),
        Box::new(|_| ok("{}")),
        Box::new(move |body| licensed(body, &older)),
        Box::new(move |body| licensed(body, &trial)),
        Box::new(move |body| licensed(body, &other_machine)),
    ];
    for (i, answer) in answers.into_iter().enumerate() {
        world.server.script(move |path, body| {
            Some(if path == "/v1/client/licenses" {
                answer(body)
            } else {
                refused(404, Code::NotFound)
            })
        });
        let online = world.online();
        assert_eq!(online.code(), "OK");
        world.server.until_asked("/v1/client/licenses", i + 1);
        assert_eq!(online.code(), "OK");
        online.end();
        assert_eq!(world.read("license.lic").unwrap(), before, "answer {i}");
    }
}

#[test]
fn a_genuine_revocation_counts_also_offline() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    world.server.script(|path, _| {
        Some(match path {
            "/v1/client/revocations" => {
                ok(revocations(7, &[("lic-1", RevocationStatus::Suspended)]))
            }
            _ => refused(409, Code::LicenseSuspended),
        })
    });
    let online = world.online();
    assert_eq!(online.code(), "OK", "the list is fetched behind the first answer");
    until(|| world.read("revocations.jws").is_some());
    assert_eq!(online.code(), "LICENSE_SUSPENDED");
    assert_eq!(online.sdk.entitlement("mesh"), None);
    online.end();

    let offline = world.start(world.offline());
    assert_eq!(offline.code(), "LICENSE_SUSPENDED");
    offline.end();

    // An older list, however genuine, brings nothing back; a newer one does.
    for (seq, expected) in [(6, "LICENSE_SUSPENDED"), (8, "OK")] {
        let offline = world.start(world.offline());
        let file = armor::block(Label::RevocationList, &revocations(seq, &[]));
        let _ = offline.sdk.open_license(&[&file]);
        assert_eq!(offline.code(), expected, "seq {seq}");
        offline.end();
    }
}

#[test]
fn licenses_are_opened_from_wherever_the_user_has_them() {
    let world = World::new();
    let offline = world.start(world.offline());
    let good = license(DEVICE, |_| {});
    let text = sealed(&good);
    let folder = world.root.path().join("收到的 许可");
    std::fs::create_dir_all(&folder).unwrap();
    let old = license(DEVICE, |license| license.expires = Some(NOW.plus(-DAY)));
    std::fs::write(folder.join("a.lic"), sealed(&old)).unwrap();
    std::fs::write(folder.join("b.LIC"), sealed(&good)).unwrap();
    std::fs::write(folder.join("c.txt"), "nothing").unwrap();
    let quoted =
        format!("您好，许可证如下：\r\n\u{feff}\u{3000}{}\r\n{}\r\n谢谢", &text[..80], &text[80..]);
    let wide: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let notepad = folder.join("notepad.dat");
    std::fs::write(&notepad, wide).unwrap();
    for source in [
        text.as_str(),
        &quoted,
        folder.to_str().unwrap(),
        notepad.to_str().unwrap(),
        folder.join("b.LIC").to_str().unwrap(),
    ] {
        let outcome = offline.sdk.open_license(&[source]);
        assert!(outcome.is_ok(), "{source}: {outcome}");
        assert_eq!(outcome.json()["claims"]["jti"], "lic-1");
        assert_eq!(outcome.json()["days_left"], 365);
        assert_eq!(outcome.json()["state"], "valid");
    }
    assert_eq!(offline.code(), "OK", "what was opened is kept");
    for (sources, code) in [
        (vec!["no license"], Code::LicenseMalformed),
        (vec!["/no/such/file.lic"], Code::LicenseMissing),
        (vec![], Code::LicenseMissing),
        (vec![folder.join("a.lic").to_str().unwrap()], Code::LicenseExpired),
        (vec![&text[..text.len() - 4]], Code::SignatureInvalid),
        (vec!["no license", &text], Code::Ok),
    ] {
        let outcome = offline.sdk.open_license(&sources);
        // A cut signature is too short before it is wrong.
        assert!(
            outcome.code() == code || outcome.code() == Code::LicenseMalformed,
            "{sources:?}: {outcome}"
        );
        assert!(outcome.is_ok() || outcome.json()["message_zh"].is_string());
    }
    offline.end();
}

#[test]
fn a_servers_address_is_a_source_for_later_requests() {
    let world = World::new();
    world.server.gives(&sealed(&license(DEVICE, |_| {})));
    let running = world.start(world.offline());
    assert_eq!(running.code(), "LICENSE_MISSING");
    let outcome = running.sdk.open_license(&[&world.server.url]);
    assert_eq!(outcome.code(), Code::LicenseMissing, "nothing waits for the network");
    assert_eq!(running.code(), "OK");
    assert_eq!(running.sdk.open_license(&[&world.server.url]).code(), Code::Ok);
    let plain = running.sdk.open_license(&["http://license.example.com"]);
    assert_eq!(plain.code(), Code::ConfigInvalid);
    running.end();
}

#[test]
fn opening_an_older_license_does_not_displace_the_newer() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    let before = world.read("license.lic");
    let offline = world.start(world.offline());
    let older = sealed(&license(DEVICE, |license| license.issued_at = NOW.plus(-DAY)));
    assert!(offline.sdk.open_license(&[&older]).is_ok());
    assert_eq!(world.read("license.lic"), before);
    offline.end();
}

#[test]
fn a_mismatch_is_explained_part_by_part() {
    let world = World::new();
    let offline = world.start(world.offline());
    let outcome = offline.sdk.open_license(&[&sealed(&license(OTHER, |_| {}))]);
    assert_eq!(outcome.code(), Code::MachineMismatch);
    let explanation = &outcome.json()["explanation"];
    assert!(explanation.to_string().contains("differs"), "{outcome}");
    assert!(explanation["need"].is_number() && explanation["score"].is_number(), "{outcome}");
    assert_eq!(world.read("license.lic"), None);
    offline.end();
}

#[test]
fn any_license_is_verified_with_what_the_program_is() {
    let world = World::new();
    let offline = world.start(Config { release_date: "2026-06-01".to_owned(), ..world.offline() });
    let verify = |change: fn(&mut license_core::license::License)| {
        offline.sdk.verify(&VerifyRequest::new(sealed(&license(DEVICE, change)))).code()
    };
    assert_eq!(verify(|_| {}), Code::Ok);
    assert_eq!(verify(|l| l.product = "other".to_owned()), Code::ProductMismatch);
    assert_eq!(verify(|l| l.versions = Some("<2".parse().unwrap())), Code::VersionNotCovered);
    assert_eq!(
        verify(|l| l.maintenance_until = Some("2026-05-31".parse().unwrap())),
        Code::VersionNotCovered
    );
    assert_eq!(verify(|l| l.expires = Some(NOW)), Code::LicenseExpired);
    let elsewhere = VerifyRequest {
        dev_info: Some(OTHER.to_owned()),
        ..VerifyRequest::new(sealed(&license(DEVICE, |_| {})))
    };
    assert_eq!(offline.sdk.verify(&elsewhere).code(), Code::MachineMismatch);
    let later = VerifyRequest {
        at: Some("2099-01-01".to_owned()),
        ..VerifyRequest::new(sealed(&license(DEVICE, |_| {})))
    };
    assert_eq!(offline.sdk.verify(&later).code(), Code::LicenseExpired);
    assert_eq!(world.read("license.lic"), None, "verifying keeps nothing");
    offline.end();
}

#[test]
fn verifying_needs_no_sdk_and_says_what_it_did_not_check() {
    let request = VerifyRequest {
        trust: Some(anchors()),
        at: Some(NOW.to_string()),
        ..VerifyRequest::new(sealed(&license(DEVICE, |_| {})))
    };
    let outcome = crate::verify(&request);
    assert_eq!(outcome.json()["warnings"], json!(["BINDING_NOT_CHECKED"]));
    for (request, code) in [
        (VerifyRequest { trust: None, ..request.clone() }, Code::ConfigInvalid),
        (VerifyRequest { at: Some("soon".to_owned()), ..request.clone() }, Code::RequestInvalid),
        (
            VerifyRequest { version: Some("two".to_owned()), ..request.clone() },
            Code::RequestInvalid,
        ),
        (
            VerifyRequest {
                revocations: vec![revocations(1, &[("lic-1", RevocationStatus::Revoked)])],
                ..request.clone()
            },
            Code::LicenseRevoked,
        ),
        (
            VerifyRequest { floor: Some(NOW.plus(2 * DAY).to_string()), ..request.clone() },
            Code::ClockRolledBack,
        ),
        (VerifyRequest { dev_info: Some(DEVICE.to_owned()), ..request.clone() }, Code::Ok),
    ] {
        assert_eq!(crate::verify(&request).code(), code);
    }
}
