//! What was answered survives `kill -9`.

use crate::app::products;
use crate::app::tokens;
use std::time::Duration;

use super::fake_marketplace::Trick;
use super::fixture::{Fixture, apply, device, new_instance};

#[tokio::test]
async fn between_acceptance_and_upload() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 30).await;
    let fixture = fixture.crash().await;
    for i in 0..20 {
        assert_eq!(fixture.code(apply(&instance, &format!("e-{i}"), &device(i))).await, "000004");
    }
    let before = fixture.detail(&instance).await;
    let fixture = fixture.crash().await.started();
    let uploads = fixture.uploads(20).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(fixture.market.uploads().len(), 20, "each of them once");
    let after = fixture.detail(&instance).await;
    assert_eq!(
        serde_json::to_value(&before.licenses).unwrap(),
        serde_json::to_value(&after.licenses).unwrap()
    );
    let events: std::collections::BTreeSet<_> = uploads.iter().map(|(event, _)| event).collect();
    assert_eq!(events.len(), 20);
    // And the re-send knows of it.
    assert_eq!(fixture.code(apply(&instance, "e-0", &device(0))).await, "000004");
    assert_eq!(fixture.detail(&instance).await.licenses.len(), 20);
}

#[tokio::test]
async fn in_the_middle_of_an_upload() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    fixture.market.state().tricks.push_back(Trick::Late(Duration::from_millis(500)));
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let sent = fixture.market.state().requests;
    fixture.market_until(|state| state.requests > sent.min(1)).await;
    let fixture = fixture.crash().await;
    // Nobody knows whether it arrived, so nobody else gets the event.
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(2))).await, "000002");
    let fixture = fixture.started();
    let uploads = fixture.uploads(2).await;
    assert_eq!(uploads[0], uploads[1], "once in content");
    assert_eq!(fixture.upload_is("delivered").await.attempts, 2);
}

#[tokio::test]
async fn before_the_order_was_read() {
    let fixture = Fixture::bare().await;
    fixture.offer("CS1", 1, |_| ());
    let instance = fixture.call(new_instance("CS1")).await.instance_id.unwrap();
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let fixture = fixture.crash().await;
    assert_eq!(fixture.call(new_instance("CS1")).await.instance_id.as_ref(), Some(&instance));
    products::apply(&fixture.app, super::fixture::flowsim()).await.unwrap();
    let fixture = fixture.started();
    assert_eq!(fixture.uploads(1).await[0].0, "e-1");
}

#[tokio::test]
async fn keys_and_token_stay_what_they_were() {
    let fixture = Fixture::bare().await;
    let folder = fixture.folder().to_owned();
    let made = fixture.app.made().unwrap();
    assert_eq!(made.key_files.len(), 2);
    let token = std::fs::read_to_string(&made.admin_token_file).unwrap();
    let database = folder.join("licd.db");
    assert_eq!(database.exists(), !fixture.app.store.is_shared());
    let files = made.key_files.iter().chain([&made.admin_token_file]);
    #[cfg(unix)]
    for file in files.chain(database.exists().then_some(&database)) {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    let jwks = fixture.app.jwks().await;
    let fixture = fixture.crash().await;
    assert!(fixture.app.made().is_none());
    assert_eq!(fixture.app.jwks().await, jwks);
    let role = tokens::caller(&fixture.app, token.trim()).await.unwrap();
    assert_eq!(role.map(|(_, role)| role), Some(crate::store::Role::Admin));
    assert_eq!(std::fs::read_to_string(folder.join("admin-token")).unwrap(), token);
}

#[tokio::test]
async fn what_an_old_key_signed_is_verified_when_it_was_replaced() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let license = fixture.ask(&instance, &device(1)).await.unwrap().license;
    std::fs::remove_file(fixture.folder().join("issuing-key.pem")).unwrap();
    let fixture = fixture.crash().await;
    assert_eq!(fixture.keys().keys().len(), 3);
    fixture.verify(&license);
    // And what is signed from now on, as well.
    let again = fixture.ask(&instance, &device(1)).await.unwrap();
    assert_eq!(again.license, license);
}
