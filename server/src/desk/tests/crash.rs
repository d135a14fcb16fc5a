//! What was answered survives `kill -9`.

use std::time::Duration;

use super::bench::{Bench, apply, device, new_instance};
use super::double::Trick;

#[tokio::test]
async fn between_acceptance_and_upload() {
    let bench = Bench::new().await;
    let instance = bench.buy("CS1", 30).await;
    let bench = bench.crash().await;
    for i in 0..20 {
        assert_eq!(bench.code(apply(&instance, &format!("e-{i}"), &device(i))).await, "000004");
    }
    let before = bench.detail(&instance).await;
    let bench = bench.crash().await.started();
    let uploads = bench.uploads(20).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(bench.market.uploads().len(), 20, "each of them once");
    let after = bench.detail(&instance).await;
    assert_eq!(
        serde_json::to_value(&before.licenses).unwrap(),
        serde_json::to_value(&after.licenses).unwrap()
    );
    let events: std::collections::BTreeSet<_> = uploads.iter().map(|(event, _)| event).collect();
    assert_eq!(events.len(), 20);
    // And the re-send knows of it.
    assert_eq!(bench.code(apply(&instance, "e-0", &device(0))).await, "000004");
    assert_eq!(bench.detail(&instance).await.licenses.len(), 20);
}

#[tokio::test]
async fn in_the_middle_of_an_upload() {
    let bench = Bench::new().await;
    let instance = bench.buy("CS1", 1).await;
    bench.market.state().tricks.push_back(Trick::Late(Duration::from_millis(500)));
    assert_eq!(bench.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let sent = bench.market.state().requests;
    bench.market_until(|state| state.requests > sent.min(1)).await;
    let bench = bench.crash().await;
    // Nobody knows whether it arrived, so nobody else gets the event.
    assert_eq!(bench.code(apply(&instance, "e-1", &device(2))).await, "000002");
    let bench = bench.started();
    let uploads = bench.uploads(2).await;
    assert_eq!(uploads[0], uploads[1], "once in content");
    assert_eq!(bench.upload_is("delivered").await.attempts, 2);
}

#[tokio::test]
async fn before_the_order_was_read() {
    let bench = Bench::bare().await;
    bench.offer("CS1", 1, |_| ());
    let instance = bench.call(new_instance("CS1")).await.instance_id.unwrap();
    assert_eq!(bench.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let bench = bench.crash().await;
    assert_eq!(bench.call(new_instance("CS1")).await.instance_id.as_ref(), Some(&instance));
    bench.desk.apply_product(super::bench::flowsim()).await.unwrap();
    let bench = bench.started();
    assert_eq!(bench.uploads(1).await[0].0, "e-1");
}

#[tokio::test]
async fn keys_and_token_stay_what_they_were() {
    let bench = Bench::bare().await;
    let folder = bench.folder().to_owned();
    let made = bench.desk.made().unwrap();
    assert_eq!(made.key_files.len(), 2);
    let token = std::fs::read_to_string(&made.admin_token_file).unwrap();
    let database = folder.join("licd.db");
    assert_eq!(database.exists(), !bench.desk.store.is_shared());
    let files = made.key_files.iter().chain([&made.admin_token_file]);
    #[cfg(unix)]
    for file in files.chain(database.exists().then_some(&database)) {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    let jwks = bench.desk.jwks().await;
    let bench = bench.crash().await;
    assert!(bench.desk.made().is_none());
    assert_eq!(bench.desk.jwks().await, jwks);
    let role = bench.desk.caller(token.trim()).await.unwrap();
    assert_eq!(role.map(|(_, role)| role), Some(crate::desk::Role::Admin));
    assert_eq!(std::fs::read_to_string(folder.join("admin-token")).unwrap(), token);
}

#[tokio::test]
async fn what_an_old_key_signed_is_verified_when_it_was_replaced() {
    let bench = Bench::new().await;
    let instance = bench.buy("CS1", 1).await;
    let license = bench.ask(&instance, &device(1)).await.unwrap().license;
    std::fs::remove_file(bench.folder().join("issuing-key.pem")).unwrap();
    let bench = bench.crash().await;
    assert_eq!(bench.keys().keys().len(), 3);
    bench.verify(&license);
    // And what is signed from now on, as well.
    let again = bench.ask(&instance, &device(1)).await.unwrap();
    assert_eq!(again.license, license);
}
