//! A program asks for its license.

use crate::app::client_license;
use crate::app::products;
use crate::app::signed_lists;
use koogallery::time::compact;
use license_core::Code;
use license_core::api::LicenseRequest;
use license_core::entitlement::Entitlement;
use license_core::jws::DocType;
use license_core::product::LicenseForm;
use license_core::trust::document_digest;
use license_core::{Timestamp, armor};
use serde_json::json;

use super::fixture::{DAY, Fixture, NOW, apply, device, flowsim, for_ever, new_instance, request};

async fn refused(fixture: &Fixture, request: LicenseRequest) -> (Code, u16) {
    let error = fixture.ask_with(request).await.unwrap_err();
    assert!(!error.detail.is_empty() && !error.detail_zh.is_ascii(), "{error:?}");
    (error.code, error.status)
}

#[tokio::test]
async fn the_same_machine_gets_the_license_in_force_until_its_terms_change() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 2).await;
    let first = fixture.ask(&instance, &device(1)).await.unwrap();
    let claims = fixture.verify(&first.license).claims;
    assert_eq!(claims.expires, fixture.detail(&instance).await.instance.expires);
    assert_eq!(claims.not_before, None);
    fixture.forward(DAY).await;
    // A new disk: still the machine, still the license.
    let again = fixture.ask(&instance, &device(1).replace("DISK1", "DISK2")).await.unwrap();
    assert_eq!(first.license_id, again.license_id);
    assert_eq!(first.license, again.license);

    let mut product = flowsim();
    product.license.entitlements.insert("gpu".to_owned(), Entitlement::Flag(true));
    products::apply(&fixture.app, product).await.unwrap();
    let other = fixture.ask(&instance, &device(1)).await.unwrap();
    assert_ne!(first.license_id, other.license_id);
    products::apply(&fixture.app, flowsim()).await.unwrap();
    assert_eq!(fixture.ask(&instance, &device(1)).await.unwrap().license_id, first.license_id);

    let refresh = json!({
        "activity": "refreshInstance", "scene": "RENEWAL", "orderId": "CS1",
        "orderLineId": "CS1-000001", "instanceId": instance,
        "expireTime": compact(NOW + 900 * DAY),
    });
    assert_eq!(fixture.code(refresh).await, "000000");
    let longer = fixture.ask(&instance, &device(1)).await.unwrap();
    assert_eq!(fixture.verify(&longer.license).claims.expires.unwrap().as_secs(), NOW + 900 * DAY);
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 1);
}

#[tokio::test]
async fn the_marketplaces_license_is_given_where_it_says_the_same() {
    let fixture = Fixture::new().await;
    fixture.offer("CS1", 1, for_ever);
    let instance = fixture.create("CS1").await;
    let mut call = apply(&instance, "e-1", &device(1));
    call.as_object_mut().unwrap().remove("expireTime");
    assert_eq!(fixture.code(call).await, "000004");
    let sent = fixture.detail(&instance).await.licenses[0].license_id.clone();
    assert_eq!(fixture.ask(&instance, &device(1)).await.unwrap().license_id, sent);
}

#[tokio::test]
async fn the_receipt_answers_the_question() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let code = fixture.detail(&instance).await.instance.activation_code;
    let question = LicenseRequest {
        nonce: "问".repeat(128),
        form: LicenseForm::File,
        ..request(&code.to_lowercase().replace('-', " "), &device(1))
    };
    let answer = fixture.ask_with(question).await.unwrap();
    assert_eq!(answer.form, LicenseForm::File);
    assert!(answer.license.contains("-----BEGIN LICENSE-----"));
    assert!(answer.license.contains("某某科技有限公司"));
    assert_eq!(armor::read(answer.license.as_bytes()).unwrap().len(), 1);
    fixture.verify(&answer.license);

    let now = Timestamp::from_secs(fixture.now());
    let receipt = fixture.keys().open(DocType::Receipt, &answer.receipt, now).unwrap().payload;
    assert_eq!(receipt["nonce"], json!("问".repeat(128)));
    assert_eq!(receipt["sha"], json!(document_digest(&answer.license)));
    assert_eq!(receipt["iat"], json!(fixture.now()));
    let list = signed_lists::revocation_list(&fixture.app).await.unwrap().document;
    let list = license_core::revocation::Revocations::open(&list, &fixture.keys(), now).unwrap();
    assert_eq!(receipt["rev"], json!(list.seq));
}

#[tokio::test]
async fn every_refusal_has_its_code_and_status() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let code = fixture.detail(&instance).await.instance.activation_code;
    let good = || request(&code, &device(1));
    assert_eq!(
        refused(&fixture, LicenseRequest { product: "other".into(), ..good() }).await,
        (Code::ProductMismatch, 403)
    );
    for dev_info in ["", "|||", "00:00:00:00:00:00|NONE||", &"A".repeat(5121)] {
        assert_eq!(
            refused(&fixture, LicenseRequest { dev_info: dev_info.into(), ..good() }).await,
            (Code::MachineUnreadable, 422)
        );
    }
    for long in [
        LicenseRequest { nonce: String::new(), ..good() },
        LicenseRequest { nonce: "n".repeat(129), ..good() },
        LicenseRequest { product: "p".repeat(65), ..good() },
        LicenseRequest { activation_code: "0".repeat(65), ..good() },
        LicenseRequest { version: Some("1".repeat(65)), ..good() },
    ] {
        assert_eq!(refused(&fixture, long).await, (Code::RequestInvalid, 422));
    }
    for wrong in ["00000-00000-00000-00000-0", "nonsense"] {
        assert_eq!(
            refused(&fixture, request(wrong, &device(1))).await,
            (Code::ActivationCodeUnknown, 403)
        );
    }
    assert!(fixture.detail(&instance).await.licenses.is_empty());

    fixture.ask_with(good()).await.unwrap();
    assert_eq!(refused(&fixture, request(&code, &device(2))).await, (Code::MachinesExhausted, 409));

    let status = |status| json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": status});
    assert_eq!(fixture.code(status("FREEZE")).await, "000000");
    assert_eq!(refused(&fixture, good()).await, (Code::LicenseSuspended, 403));
    assert_eq!(fixture.code(status("UNFREEZE")).await, "000000");
    fixture.ask_with(good()).await.unwrap();
    fixture.forward(400 * DAY).await;
    assert_eq!(refused(&fixture, good()).await, (Code::LicenseExpired, 403));
    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(fixture.code(release).await, "000000");
    assert_eq!(refused(&fixture, good()).await, (Code::LicenseRevoked, 403));
}

#[tokio::test]
async fn an_unread_order_says_when_to_come_back() {
    let fixture = Fixture::bare().await;
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    let error = fixture.ask(&instance, &device(1)).await.unwrap_err();
    assert_eq!((error.code, error.status), (Code::OrderPending, 503));
    assert!(error.retry_after.is_some());
}

#[tokio::test]
async fn a_code_enrols_ten_new_machines_an_hour() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 100).await;
    fixture.ask(&instance, &device(0)).await.unwrap();
    fixture.forward(600).await;
    for i in 1..10 {
        fixture.ask(&instance, &device(i)).await.unwrap();
    }
    let error = fixture.ask(&instance, &device(10)).await.unwrap_err();
    assert_eq!((error.code, error.status), (Code::RateLimited, 429));
    assert_eq!(error.retry_after, Some(3000), "when the first of the ten is an hour ago");
    // Known machines, and the marketplace, are not concerned.
    fixture.ask(&instance, &device(3)).await.unwrap();
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(11))).await, "000004");
    fixture.forward(3000).await;
    fixture.ask(&instance, &device(10)).await.unwrap();
    assert!(fixture.ask(&instance, &device(12)).await.is_err(), "one has left, and one came");
}

#[tokio::test]
async fn an_address_guesses_twenty_codes_an_hour() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    for i in 0..20 {
        let wrong = license_core::activation_code::ActivationCode::from_random([i; 13]).to_string();
        let (code, _) = refused(&fixture, request(&wrong, &device(1))).await;
        assert_eq!(code, Code::ActivationCodeUnknown);
    }
    let error = fixture.ask(&instance, &device(1)).await.unwrap_err();
    assert_eq!((error.code, error.status), (Code::RateLimited, 429));
    assert!((1..=3600).contains(&error.retry_after.unwrap()));
    let code = fixture.detail(&instance).await.instance.activation_code;
    let elsewhere = "192.0.2.8".parse().unwrap();
    client_license::request(&fixture.app, request(&code, &device(1)), elsewhere).await.unwrap();
    fixture.forward(3600).await;
    fixture.ask(&instance, &device(1)).await.unwrap();
}

#[tokio::test]
async fn a_maintenance_window_begins_with_the_purchase() {
    let fixture = Fixture::new().await;
    let mut product = flowsim();
    product.license.maintenance_days = Some(365);
    products::apply(&fixture.app, product).await.unwrap();
    fixture.offer("CS1", 1, for_ever);
    let instance = fixture.create("CS1").await;
    fixture.forward(100 * DAY).await;
    let license = fixture.ask(&instance, &device(1)).await.unwrap();
    let until = fixture.verify(&license.license).claims.maintenance_until.unwrap();
    assert_eq!(until.as_secs(), NOW + 365 * DAY);
}
