//! What operators do and see.

use license_core::api::{ReleaseInput, ReleasePublish, ReleaseWithdraw};
use license_core::issue::{Signer as _, SigningKey, seal};
use license_core::jws::DocType;
use license_core::release::ReleaseList;
use license_core::trust::{KeyRing, TrustedKey};
use license_core::{Code, Timestamp};
use serde_json::Value;

use super::fixture::{DAY, Fixture, NOW, apply, device, flowsim, new_instance};
use crate::app::instances;
use crate::app::instances::InstanceFilter;
use crate::app::licenses;
use crate::app::licenses::LicenseFilter;
use crate::app::products;
use crate::app::releases;
use crate::app::signed_lists;
use crate::app::tokens;
use crate::app::uploads;
use crate::app::uploads::UploadFilter;
use crate::store::ReleaseRow;
use crate::store::Role;

fn release(platform: &str, version: &str) -> ReleaseInput {
    ReleaseInput {
        product: "flowsim".to_owned(),
        channel: "stable".to_owned(),
        platform: platform.to_owned(),
        version: version.parse().unwrap(),
        date: Timestamp::from_secs(NOW),
        url: "https://example.com/flowsim.tar.gz".to_owned(),
        len: 1000,
        sha256: "AB".repeat(32),
        obliges: Some("<2.0".parse().unwrap()),
        due: None,
        notes_zh: "新版本".to_owned(),
        notes_en: "A new version".to_owned(),
    }
}

fn publish(input: ReleaseInput) -> ReleasePublish {
    ReleasePublish::Release(Box::new(input))
}

async fn list(fixture: &Fixture, platform: &str) -> ReleaseList {
    let document = signed_lists::release_list(&fixture.app, "flowsim", platform, "stable")
        .await
        .unwrap()
        .document;
    let now = Timestamp::from_secs(fixture.now());
    ReleaseList::open(&document, &fixture.keys(), now).unwrap().0
}

#[tokio::test]
async fn releases_are_signed_by_the_release_key_and_reach_their_platform() {
    let fixture = Fixture::new().await;
    let missing =
        signed_lists::release_list(&fixture.app, "flowsim", "linux", "stable").await.err().unwrap();
    assert_eq!(missing.code, Code::NotFound);
    releases::publish(&fixture.app, publish(release("*", "2.0.0"))).await.unwrap();
    assert_eq!(list(&fixture, "linux").await.platform, "*");
    releases::publish(&fixture.app, publish(release("linux", "2.1.0"))).await.unwrap();
    assert_eq!(list(&fixture, "linux").await.releases.len(), 2);
    assert_eq!(list(&fixture, "windows").await.releases.len(), 1);
    let before = list(&fixture, "linux").await.seq;
    releases::publish(&fixture.app, publish(release("*", "2.2.0"))).await.unwrap();
    let now = list(&fixture, "linux").await;
    assert_eq!(now.releases.len(), 3);
    assert!(now.seq > before);
    assert_eq!(now.releases[0].sha256, "ab".repeat(32));

    // No program trusts the issuing key for it.
    let document = signed_lists::release_list(&fixture.app, "flowsim", "linux", "stable")
        .await
        .unwrap()
        .document;
    let issuing = TrustedKey::new(
        fixture.app.context.issuing.public().clone(),
        vec![DocType::License, DocType::Release],
    );
    let only_issuing = KeyRing::new(vec![issuing]).unwrap();
    assert!(only_issuing.open(DocType::Release, &document, Timestamp::from_secs(NOW)).is_err());
    assert_eq!(releases::list(&fixture.app, Some("flowsim")).await.unwrap().len(), 3);
    assert!(releases::list(&fixture.app, Some("other")).await.unwrap().is_empty());

    // A bad one is taken back: from every list that carries it, and no other.
    let bad = |platform: &str, version: &str| ReleaseWithdraw {
        product: "flowsim".to_owned(),
        channel: "stable".to_owned(),
        platform: platform.to_owned(),
        version: version.parse().unwrap(),
    };
    let before = now.seq;
    releases::withdraw(&fixture.app, bad("*", "2.2.0")).await.unwrap();
    let now = list(&fixture, "linux").await;
    assert_eq!(now.releases.len(), 2);
    assert!(now.seq > before && now.releases.iter().all(|r| r.version.to_string() != "2.2.0"));
    assert_eq!(list(&fixture, "windows").await.releases.len(), 1);
    for (platform, version) in [("*", "2.2.0"), ("*", "2.1.0"), ("mac", "2.0.0")] {
        let error = releases::withdraw(&fixture.app, bad(platform, version)).await.unwrap_err();
        assert_eq!(error.code, Code::NotFound, "{platform} {version}");
    }
    releases::withdraw(&fixture.app, bad("*", "2.0.0")).await.unwrap();
    assert_eq!(list(&fixture, "windows").await.releases, [], "a list without releases is one, too");
    releases::publish(&fixture.app, publish(release("*", "2.2.0"))).await.unwrap();
    releases::publish(&fixture.app, publish(release("*", "2.0.0"))).await.unwrap();

    let unknown = ReleaseInput { product: "other".to_owned(), ..release("*", "1.0.0") };
    let error = releases::publish(&fixture.app, publish(unknown)).await.unwrap_err();
    assert_eq!(error.code, Code::ProductUnknown);
    for bad in [
        ReleaseInput { sha256: "zz".to_owned(), ..release("*", "1.0.0") },
        ReleaseInput { url: "ftp://example.com".to_owned(), ..release("*", "1.0.0") },
        ReleaseInput { platform: "a b".to_owned(), ..release("*", "1.0.0") },
    ] {
        let error = releases::publish(&fixture.app, publish(bad)).await.unwrap_err();
        assert_eq!(error.code, Code::RequestInvalid);
    }
}

#[tokio::test]
async fn a_list_signed_elsewhere_is_verified_served_and_never_signed_here() {
    let fixture = Fixture::new().await;
    let key = SigningKey::ed25519_from_seed([9; 32]);
    let jwk = Value::Object(key.public().jwk());
    let signed = |seq: u64, key: &SigningKey| {
        let list = ReleaseList {
            issuer: "某某科技".to_owned(),
            issued_at: Timestamp::from_secs(NOW),
            product: "flowsim".to_owned(),
            channel: "stable".to_owned(),
            platform: "*".to_owned(),
            seq,
            expires: Timestamp::from_secs(NOW + 365 * DAY),
            min: None,
            releases: Vec::new(),
        };
        seal(DocType::Release, &list, key).unwrap()
    };
    let send = async |document: String, key: Value| {
        releases::publish(&fixture.app, ReleasePublish::Signed { document, key }).await
    };
    send(signed(10, &key), jwk.clone()).await.unwrap();
    let served = signed_lists::release_list(&fixture.app, "flowsim", "linux", "stable")
        .await
        .unwrap()
        .document;
    assert_eq!(served, signed(10, &key));
    assert!(fixture.app.jwks().await.contains(key.kid().as_str()));

    assert_eq!(send(signed(10, &key), jwk.clone()).await.unwrap_err().code, Code::Conflict);
    let withdraw = ReleaseWithdraw {
        product: "flowsim".to_owned(),
        channel: "stable".to_owned(),
        platform: "*".to_owned(),
        version: "1.0.0".parse().unwrap(),
    };
    let error = releases::withdraw(&fixture.app, withdraw).await.unwrap_err();
    assert_eq!(error.code, Code::Conflict, "the key is not here");
    let other = SigningKey::ed25519_from_seed([8; 32]);
    assert_eq!(send(signed(11, &other), jwk.clone()).await.unwrap_err().code, Code::KeyUnknown);
    let mut forged = signed(11, &key);
    forged.truncate(forged.len() - 2);
    assert!(send(forged, jwk.clone()).await.is_err());
    let issuing = &fixture.app.context.issuing;
    let mine = Value::Object(issuing.public().jwk());
    assert_eq!(send(signed(12, issuing), mine).await.unwrap_err().code, Code::KeyNotAllowed);
    let error = releases::publish(&fixture.app, publish(release("*", "2.0.0"))).await.unwrap_err();
    assert_eq!(error.code, Code::Conflict);

    fixture.forward(40 * DAY).await;
    let later = signed_lists::release_list(&fixture.app, "flowsim", "linux", "stable")
        .await
        .unwrap()
        .document;
    assert_eq!(later, served);
    let fixture = fixture.crash().await;
    assert!(fixture.app.jwks().await.contains(key.kid().as_str()));
}

#[tokio::test]
async fn products_are_applied_shown_and_kept_apart() {
    let fixture = Fixture::new().await;
    let mut other = flowsim();
    other.id = "other".to_owned();
    let error = products::apply(&fixture.app, other.clone()).await.unwrap_err();
    assert_eq!(error.code, Code::Conflict);
    other.koogallery[0].sku_code = None;
    products::apply(&fixture.app, other.clone()).await.unwrap();
    other.name = " ".to_owned();
    let error = products::apply(&fixture.app, other).await.unwrap_err();
    assert_eq!(error.code, Code::RequestInvalid);
    assert_eq!(products::list(&fixture.app,).await.unwrap().len(), 2);
    assert_eq!(products::find(&fixture.app, "flowsim").await.unwrap().product, flowsim());
    assert_eq!(products::find(&fixture.app, "none").await.unwrap_err().code, Code::ProductUnknown);

    // The one that names the specification has it; the other one has the rest.
    let instance = fixture.buy("CS1", 1).await;
    assert_eq!(fixture.detail(&instance).await.instance.product.as_deref(), Some("flowsim"));
    fixture.offer("CS2", 1, |order| {
        order.lines[0].products[0].sku_code = Some("another".to_owned());
    });
    let instance = fixture.create("CS2").await;
    assert_eq!(fixture.detail(&instance).await.instance.product.as_deref(), Some("other"));
}

#[tokio::test]
async fn lists_are_read_in_pages_and_by_state() {
    let fixture = Fixture::new().await;
    for i in 0..5 {
        let instance = fixture.buy(&format!("CS{i}"), 1).await;
        assert_eq!(fixture.code(apply(&instance, &format!("e-{i}"), &device(i))).await, "000004");
    }
    fixture.uploads(5).await;
    let mut seen = Vec::new();
    loop {
        let filter = InstanceFilter {
            limit: Some(2),
            after: seen.last().cloned(),
            ..InstanceFilter::default()
        };
        let page = instances::list(&fixture.app, &filter).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|instance| instance.instance_id.into()));
    }
    assert_eq!(seen, ["b-CS0", "b-CS1", "b-CS2", "b-CS3", "b-CS4"]);
    let by_order = InstanceFilter { order_id: Some("CS3".into()), ..InstanceFilter::default() };
    assert_eq!(instances::list(&fixture.app, &by_order).await.unwrap().len(), 1);
    let frozen = InstanceFilter { state: Some("frozen".into()), ..InstanceFilter::default() };
    assert!(instances::list(&fixture.app, &frozen).await.unwrap().is_empty());
    let wrong = InstanceFilter { state: Some("melted".into()), ..InstanceFilter::default() };
    assert_eq!(instances::list(&fixture.app, &wrong).await.unwrap_err().code, Code::RequestInvalid);

    let filter = LicenseFilter { instance_id: Some("b-CS1".into()), ..LicenseFilter::default() };
    let licenses = licenses::list(&fixture.app, &filter).await.unwrap();
    assert_eq!(licenses.len(), 1);
    assert!(licenses[0].document.is_none() && !licenses[0].kid.is_empty());
    let license = licenses::find(&fixture.app, &licenses[0].license_id).await.unwrap();
    fixture.verify(license.document.as_deref().unwrap());
    assert_eq!(licenses::find(&fixture.app, "none").await.unwrap_err().code, Code::NotFound);
    assert_eq!(instances::find(&fixture.app, "none").await.unwrap_err().code, Code::NotFound);
    let uploads = UploadFilter { limit: Some(3), ..UploadFilter::default() };
    assert_eq!(uploads::list(&fixture.app, &uploads).await.unwrap().len(), 3);
    for limit in [0, 1001] {
        let filter = UploadFilter { limit: Some(limit), ..UploadFilter::default() };
        assert_eq!(
            uploads::list(&fixture.app, &filter).await.unwrap_err().code,
            Code::RequestInvalid
        );
    }
}

#[tokio::test]
async fn tokens_are_kept_as_digests() {
    let fixture = Fixture::bare().await;
    let made = tokens::create(&fixture.app, Role::Operator, "ci").await.unwrap();
    assert!(made.token.starts_with("licd_"));
    let caller = tokens::caller(&fixture.app, &made.token).await.unwrap();
    assert_eq!(caller.map(|(_, role)| role), Some(Role::Operator));
    for wrong in ["", "licd_", "licd_x", &made.token[..made.token.len() - 1]] {
        assert_eq!(tokens::caller(&fixture.app, wrong).await.unwrap(), None);
    }
    assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
    assert_eq!(tokens::list(&fixture.app,).await.unwrap().len(), 2);
    assert!(tokens::create(&fixture.app, Role::Viewer, " ").await.is_err());
    fixture.app.store.close().await;
    for file in std::fs::read_dir(fixture.folder()).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap() != "admin-token" {
            let bytes = std::fs::read(&path).unwrap();
            let token = made.token.as_bytes();
            assert!(!bytes.windows(token.len()).any(|part| part == token), "{path:?}");
        }
    }
}

#[tokio::test]
async fn device_texts_are_kept_no_longer_than_needed() {
    let fixture = Fixture::bare().await.started();
    fixture.offer("CS1", 1, |_| ());
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    fixture.until(|detail| detail.instance.order_state == "product-unknown", &instance).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let text = async || {
        let mut tx = fixture.app.store.read().await.unwrap();
        tx.applications_of_event("e-1").await.unwrap()[0].device.clone()
    };
    assert_eq!(text().await, Some(device(1)));
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.until(|detail| detail.licenses.len() == 1, &instance).await;
    assert_eq!(text().await, None);
}

/// A list is signed of what is for its platform, however many releases others have, and never
/// leaves out what does not fit.
#[tokio::test]
async fn a_list_is_whole_however_many_releases_there_are() {
    let fixture = Fixture::new().await;
    releases::publish(&fixture.app, publish(release("linux", "0.9.0"))).await.unwrap();
    let kept = fixture.app.store.read().await.unwrap().releases(None, None, None).await.unwrap();
    let mut tx = fixture.app.store.write().await.unwrap();
    for number in 0..999 {
        let version = format!("1.0.{number}");
        let entry = kept[0].entry.replace("0.9.0", &version);
        tx.put_release(&ReleaseRow { version, entry, ..kept[0].clone() }).await.unwrap();
    }
    tx.commit().await.unwrap();
    releases::publish(&fixture.app, publish(release("windows", "3.0.0"))).await.unwrap();
    let windows = list(&fixture, "windows").await;
    assert_eq!(windows.releases.len(), 1);
    let full =
        releases::publish(&fixture.app, publish(release("linux", "2.0.0"))).await.unwrap_err();
    assert_eq!(full.code, Code::Conflict, "{}", full.detail);
    // What is there may be published again, and for every platform there is another list.
    releases::publish(&fixture.app, publish(release("linux", "0.9.0"))).await.unwrap();
    releases::publish(&fixture.app, publish(release("*", "4.0.0"))).await.unwrap();
    assert_eq!(list(&fixture, "linux").await.releases.len(), 1001);
    assert_eq!(list(&fixture, "windows").await.releases.len(), 2);
}
