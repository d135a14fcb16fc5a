//! Several servers on one PostgreSQL behave as one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use license_core::Code;
use license_core::trust::KeyRing;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::audit::verified;
use super::fake_marketplace::Trick;
use super::fixture::{DAY, Fixture, NOW, apply, device, flowsim, new_instance, request};
use crate::app::instances;
use crate::app::instances::InstanceFilter;
use crate::app::licenses;
use crate::app::licenses::LicenseFilter;
use crate::app::products;
use crate::app::retention::Sweep;
use crate::app::signed_lists;
use crate::app::tokens;
use crate::app::uploads;
use crate::app::uploads::UploadFilter;
use crate::config::{Database, Secret};
use crate::environment::Environment;
use crate::environment::fixed::other_entropy;
use crate::store::cluster::Cluster;

impl Fixture {
    /// Another server with a folder of its own on the same database, clock and marketplace.
    async fn beside(&self) -> Self {
        let folder = TempDir::new().unwrap();
        let mut config = self.config.clone();
        config.data_dir = folder.path().to_owned();
        let environment = Environment { entropy: other_entropy(), ..self.environment.clone() };
        let clock = self.clock.clone();
        let second = Self::open(config, folder, self.market.clone(), (environment, clock)).await;
        second.nonces.store(1 << 32, Ordering::SeqCst);
        second
    }

    /// Drops the workers where they stand, as if the process had died.
    async fn die(mut self) {
        for worker in &self.workers {
            worker.abort();
        }
        for worker in self.workers.drain(..) {
            let _ = worker.await;
        }
    }
}

/// Two servers with their workers; none where the tests are to do without PostgreSQL.
async fn two() -> Option<(Fixture, Fixture)> {
    let first = Fixture::bare().await;
    if first.config.database == Database::Sqlite {
        eprintln!("LICD_TEST_POSTGRES=skip: this was left out");
        return None;
    }
    products::apply(&first.app, flowsim()).await.unwrap();
    let second = first.beside().await;
    Some((first.started(), second.started()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_applications_for_twenty_places() {
    let Some((first, second)) = two().await else { return };
    let instance = first.buy("CS1", 20).await;
    let (first, second) = (Arc::new(first), Arc::new(second));
    let mut calls = JoinSet::new();
    for i in 0..100 {
        let server = if i % 2 == 0 { first.clone() } else { second.clone() };
        let call = apply(&instance, &format!("e-{i}"), &device(i));
        calls.spawn(async move { server.code(call).await });
    }
    let codes = calls.join_all().await;
    assert_eq!(codes.iter().filter(|code| **code == "000004").count(), 20, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == "000900").count(), 80, "{codes:?}");
    let detail = second.detail(&instance).await;
    assert_eq!(detail.licenses.len(), 20);
    assert_eq!(detail.instance.machines.used, 20);
    // And each is sent once, by whomever.
    first.uploads(20).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let sent: BTreeSet<_> = first.market.uploads().into_iter().map(|(event, _)| event).collect();
    assert_eq!((sent.len(), first.market.uploads().len()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_has_a_chain_of_its_own_and_both_verify() {
    let Some((first, second)) = two().await else { return };
    let instance = first.buy("CS1", 40).await;
    let (first, second) = (Arc::new(first), Arc::new(second));
    let mut calls = JoinSet::new();
    for i in 0..40 {
        let server = if i % 2 == 0 { first.clone() } else { second.clone() };
        let call = apply(&instance, &format!("e-{i}"), &device(i));
        calls.spawn(async move { server.code(call).await });
    }
    assert!(calls.join_all().await.iter().all(|code| *code == "000004"));
    first.uploads(40).await;

    // Whichever server is asked shows both; every license stands in one of them, once.
    let links = second.links().await;
    let report = verified(&links);
    let chains: BTreeSet<_> = report.chains.iter().map(|chain| chain.server.clone()).collect();
    let own = [&first, &second].map(|server| server.app.context.chain.clone());
    assert_eq!(chains, BTreeSet::from(own));
    let entries = links.iter().flat_map(|link| &link.entries);
    let served: Vec<_> = entries.filter(|entry| entry["outcome"] == "served").collect();
    let licenses: BTreeSet<_> = served.iter().map(|entry| &entry["license"]).collect();
    assert_eq!((served.len(), licenses.len()), (40, 40));

    // A chain goes on after its server came back, behind the other one's.
    let before = report.chains.iter().map(|chain| chain.last).sum::<u64>();
    let first = Arc::into_inner(first).unwrap().crash().await;
    assert_eq!(first.code(apply(&instance, "e-0", &device(0))).await, "000004");
    assert_eq!(first.code(new_instance("CS2")).await, "000000");
    let report = verified(&first.links().await);
    assert_eq!(report.chains.len(), 2);
    assert!(report.chains.iter().map(|chain| chain.last).sum::<u64>() > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_order_line_is_one_instance() {
    let Some((first, second)) = two().await else { return };
    let (first, second) = (Arc::new(first), Arc::new(second));
    for round in 0..10 {
        let mut calls = JoinSet::new();
        for i in 0..16 {
            let server = if i % 2 == 0 { first.clone() } else { second.clone() };
            // Eight lines, each asked for at both servers, in opposite orders.
            let line = if i % 2 == 0 { i / 2 } else { 7 - i / 2 };
            let mut call = new_instance(&format!("CS{round}{line}"));
            if round % 2 == 0 {
                call["testFlag"] = json!("1");
            }
            calls.spawn(async move { (line, server.call(call).await) });
        }
        let answers = calls.join_all().await;
        let ids: BTreeSet<_> = answers
            .into_iter()
            .map(|(line, answer)| {
                assert_eq!(answer.result_code.as_str(), "000000", "{answer:?}");
                (line, answer.instance_id.unwrap())
            })
            .collect();
        assert_eq!(ids.len(), 8, "{ids:?}");
    }
    assert_eq!(instances::list(&first.app, &InstanceFilter::default()).await.unwrap().len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_over_the_same_instances_do_not_block_each_other() {
    let Some((first, second)) = two().await else { return };
    let mut instances = Vec::new();
    for i in 0..12 {
        instances.push(first.buy(&format!("CS{i}"), 50).await);
    }
    let (first, second) = (Arc::new(first), Arc::new(second));
    let started = Instant::now();
    let mut calls = JoinSet::new();
    for round in 0..10_u32 {
        for (at, instance) in instances.iter().enumerate() {
            let at = u32::try_from(at).unwrap();
            let call =
                |event: u32, machine| apply(instance, &format!("e-{event}"), &device(machine));
            let number = round * 100 + at;
            let (one, other) = (call(number, number), call(number + 5000, number + 5000));
            let (here, there) = (first.clone(), second.clone());
            calls.spawn(async move { here.code(one).await });
            calls.spawn(async move { there.code(other).await });
        }
        let (here, there) = (first.clone(), second.clone());
        // Those that touch many at once, at both.
        calls.spawn(async move {
            products::apply(&here.app, flowsim()).await.unwrap();
            "000004"
        });
        calls.spawn(async move {
            signed_lists::revocation_list(&there.app).await.unwrap();
            "000004"
        });
    }
    let codes = calls.join_all().await;
    assert!(codes.iter().all(|code| *code == "000004"), "{codes:?}");
    // A deadlock would be found after a second, and more than one after seconds.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    for instance in &instances {
        assert_eq!(first.detail(instance).await.instance.machines.used, 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_server_was_sending_is_taken_over() {
    let Some((first, second)) = two().await else { return };
    let instance = first.buy("CS1", 1).await;
    second.die().await;
    first.market.state().tricks.push_back(Trick::Late(Duration::from_mins(5)));
    let requests = first.market.state().requests;
    assert_eq!(first.code(apply(&instance, "e-1", &device(1))).await, "000004");
    first.market_until(|state| state.requests > requests).await;
    let third = first.beside().await.started();
    let died = Instant::now();
    let market = first.market.clone();
    first.die().await;
    while market.uploads().is_empty() && died.elapsed() < Duration::from_mins(1) {
        // Until the lease has ended nobody else sends it.
        assert!(market.state().requests == requests + 1 || died.elapsed().as_secs() >= 14);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(died.elapsed() < Duration::from_secs(30), "{:?}", died.elapsed());
    let delivered = third.upload_is("delivered").await;
    assert_eq!((delivered.event_id.as_str(), delivered.attempts), ("e-1", 2));
}

#[tokio::test]
async fn a_nonce_counts_everywhere() {
    let Some((first, second)) = two().await else { return };
    let instance = first.buy("CS1", 1).await;
    let freeze =
        json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": "FREEZE"});
    let (query, raw) = first.sign(&freeze);
    assert_eq!(first.raw(&query, &raw).await.result_code.as_str(), "000000");
    assert_eq!(second.raw(&query, &raw).await.result_code.as_str(), "000002");
    assert_eq!(first.raw(&query, &raw).await.result_code.as_str(), "000002");
    // Housekeeping at both forgets it once it is old.
    first.forward(DAY).await;
    for server in [&first, &second] {
        server.app.writer.write(Sweep).await.unwrap();
    }
    assert_eq!(second.code(freeze).await, "000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_rises_and_shows_at_once_wherever_it_is_read() {
    let Some((first, second)) = two().await else { return };
    let mut seen = 0;
    for i in 0..6 {
        let (here, there) = if i % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let instance = here.buy(&format!("CS{i}"), 1).await;
        assert_eq!(here.code(apply(&instance, &format!("e-{i}"), &device(i))).await, "000004");
        let release = json!({"activity": "releaseInstance", "instanceId": instance});
        let license = here.detail(&instance).await.licenses[0].license_id.clone();
        assert_eq!(here.code(release).await, "000000");
        let (a, b) = tokio::join!(
            signed_lists::revocation_list(&here.app,),
            signed_lists::revocation_list(&there.app,)
        );
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!(a.document, b.document, "signed once");
        let keys = KeyRing::from_jwks(&there.app.jwks().await).unwrap();
        let now = license_core::Timestamp::from_secs(NOW);
        let list = license_core::revocation::Revocations::open(&b.document, &keys, now).unwrap();
        assert!(list.seq > seen, "{} after {seen}", list.seq);
        assert!(list.status_of(&license).is_some());
        seen = list.seq;
    }
}

#[tokio::test]
async fn every_server_shows_the_keys_of_all() {
    let Some((first, second)) = two().await else { return };
    let kids = |jwks: &str| -> BTreeSet<String> {
        let keys = KeyRing::from_jwks(jwks).unwrap();
        keys.keys().iter().map(|key| key.key.kid().to_string()).collect()
    };
    // The first one was there before the second made its keys.
    let all = kids(&first.app.jwks().await);
    assert_eq!(all.len(), 4);
    assert_eq!(all, kids(&second.app.jwks().await));

    let instance = first.buy("CS1", 2).await;
    let answer = second.ask(&instance, &device(1)).await.unwrap();
    let keys = KeyRing::from_jwks(&first.app.jwks().await).unwrap();
    let question = license_core::verify::VerifyContext::at(license_core::Timestamp::from_secs(NOW));
    license_core::verify::license(answer.license.as_bytes(), &keys, &question).unwrap();

    // The token is made with the database, by one.
    assert!(first.folder().join("admin-token").exists());
    assert!(second.app.made().is_none() && !second.folder().join("admin-token").exists());
    let token = std::fs::read_to_string(first.folder().join("admin-token")).unwrap();
    assert!(tokens::caller(&second.app, token.trim()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_learnt_by_one_and_known_by_all() {
    let Some((first, second)) = two().await else { return };
    let instance = first.buy("CS1", 1).await;
    first.market.state().always = Some(Trick::Refuse(401, "APIGW.0301"));
    assert_eq!(first.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let closed = async |wanted: bool| {
        let started = Instant::now();
        while first.app.breaker.are_credentials_refused() != wanted
            || second.app.breaker.are_credentials_refused() != wanted
        {
            assert!(started.elapsed() < Duration::from_secs(20), "the gates never agreed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    closed(true).await;
    assert!(first.market.state().requests < 10, "both go on trying");

    first.market.state().always = None;
    let uploads = uploads::list(&first.app, &UploadFilter::default()).await.unwrap();
    uploads::retry(&second.app, &uploads[0].upload_id).await.unwrap();
    closed(false).await;
    assert_eq!(first.uploads(1).await[0].0, "e-1");

    // As well where there is no upload.
    first.market.state().always = Some(Trick::Refuse(401, "APIGW.0301"));
    first.offer("CS2", 1, |_| ());
    let instance = first.call(new_instance("CS2")).await.instance_id.unwrap();
    closed(true).await;
    first.market.state().always = None;
    assert!(uploads::retry_all(&second.app,).await.unwrap().were_closed);
    closed(false).await;
    first.until(|detail| detail.instance.machines.limit.is_some(), &instance).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_database_loses_nothing_that_was_answered() {
    let Some(cluster) = Cluster::start() else {
        eprintln!("LICD_TEST_POSTGRES=skip: this was left out");
        return;
    };
    let database = Database::Postgres(Secret::new(cluster.database()));
    let first = Fixture::bare_with(|config| config.database = database).await;
    products::apply(&first.app, flowsim()).await.unwrap();
    let second = first.beside().await.started();
    let first = first.started();
    let instance = first.buy("CS1", 100_000).await;
    let code = first.detail(&instance).await.instance.activation_code;
    let (first, second) = (Arc::new(first), Arc::new(second));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut callers = JoinSet::new();
    for caller in 0..8_u32 {
        let server = if caller % 2 == 0 { first.clone() } else { second.clone() };
        let (instance, stopped) = (instance.clone(), stopped.clone());
        callers.spawn(async move {
            let (mut accepted, mut refused) = (BTreeSet::new(), 0);
            for i in 0.. {
                let event = format!("e-{caller}-{i}");
                let call = apply(&instance, &event, &device(caller * 5000 + i));
                // Tried again until it is accepted, as the marketplace does.
                loop {
                    match server.code(call.clone()).await {
                        "000004" => break,
                        "000005" => refused += 1,
                        other => panic!("{event}: {other}"),
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                accepted.insert(event);
                if *stopped.borrow() {
                    break;
                }
            }
            (accepted, refused)
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let cluster = Arc::new(cluster);
    for how in ["kill", "stop"] {
        let told = cluster.clone();
        tokio::task::spawn_blocking(move || told.tell(how)).await.unwrap();
        let error = first.ask_with(request(&code, &device(9))).await.unwrap_err();
        assert_eq!((error.code, error.status), (Code::ServiceUnavailable, 503));
        assert!(first.app.ready().await.is_err());
        let told = cluster.clone();
        tokio::task::spawn_blocking(move || told.tell("start")).await.unwrap();
        let back = Instant::now();
        while second.app.ready().await.is_err() {
            assert!(back.elapsed() < Duration::from_secs(10), "service did not resume");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stop.send(true).unwrap();
    let (mut accepted, mut refused) = (BTreeSet::new(), 0);
    for (events, count) in callers.join_all().await {
        accepted.extend(events);
        refused += count;
    }
    assert!(refused > 0, "the restarts were not noticed");
    // Every one that was answered is there, once, and was sent or will be.
    let mut licensed = Vec::new();
    let mut after = None;
    loop {
        let filter = LicenseFilter { after, limit: Some(500), ..LicenseFilter::default() };
        let page = licenses::list(&first.app, &filter).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.license_id.clone().into());
        licensed.extend(page.into_iter().filter_map(|license| license.event_id).map(String::from));
    }
    let unique: BTreeSet<_> = licensed.iter().cloned().collect();
    assert_eq!(unique.len(), licensed.len(), "an event has two licenses");
    assert!(accepted.is_subset(&unique), "{} of {} are there", unique.len(), accepted.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_no_place_to_serve_from() {
    let Some(cluster) = Cluster::start() else {
        eprintln!("LICD_TEST_POSTGRES=skip: this was left out");
        return;
    };
    let database = Database::Postgres(Secret::new(cluster.database()));
    let server = Fixture::bare_with(|config| config.database = database).await;
    products::apply(&server.app, flowsim()).await.unwrap();
    assert_eq!(server.app.ready().await, Ok(()));
    cluster.tell("follow");
    let mut cause = String::new();
    for _ in 0..100 {
        match server.app.ready().await {
            Err(said) if said.contains("standby") => {
                cause = said;
                break;
            }
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    assert!(cause.contains("standby"), "it says that it is ready");
    assert_eq!(server.code(new_instance("CS1")).await, "000005");
    let error = products::apply(&server.app, flowsim()).await.unwrap_err();
    assert_eq!((error.code, error.status), (Code::ServiceUnavailable, 503));
    cluster.tell("lead");
    for _ in 0..100 {
        if server.app.ready().await == Ok(()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.code(new_instance("CS1")).await, "000000");
}
