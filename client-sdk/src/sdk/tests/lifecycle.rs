//! From the first call to the last, from any thread, inside of callbacks.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use license_core::Code;

use super::world::*;
use crate::{Config, EventType, LicenseType, Sdk, VerifyRequest};

/// Every call that needs `Init`, by what it answers.
fn answers(sdk: &Sdk) -> Vec<Code> {
    vec![
        sdk.license_string_request(""),
        sdk.license_file_request("", ""),
        sdk.license_verify_notify(true, ""),
        sdk.trial_expiration_and_license(LicenseType::String, "", ""),
        sdk.check_new_versions(),
        sdk.upgrade_notify(true),
        sdk.open_license(&["x"]).code(),
        sdk.verify(&VerifyRequest::new("x")).code(),
    ]
}

#[test]
fn before_init_and_after_shut_out_every_call_says_so() {
    let world = World::new();
    let sdk = Sdk::with_host(world.platform(), None);
    assert!(answers(&sdk).iter().all(|code| *code == Code::NotInitialized));
    assert_eq!(sdk.init(), Code::ConfigInvalid);
    assert_eq!(sdk.configure(Config { trust: String::new(), ..world.offline() }), Code::Ok);
    assert_eq!(sdk.init(), Code::ConfigInvalid);
    assert!(sdk.explain().unwrap().contains("trust"));
    assert_eq!(sdk.configure(world.offline()), Code::Ok);
    assert_eq!(sdk.init(), Code::Ok);
    assert_eq!(sdk.init(), Code::Ok, "once more does nothing");
    assert_eq!(sdk.configure(world.offline()), Code::Conflict);
    assert_eq!(sdk.device_info(), DEVICE);

    for _ in 0..3 {
        assert_eq!(sdk.shut_out(), Code::Ok);
    }
    assert!(answers(&sdk).iter().all(|code| *code == Code::ShutDown));
    assert_eq!(sdk.init(), Code::ShutDown);
    assert_eq!(sdk.configure(world.offline()), Code::ShutDown);
    assert_eq!(sdk.register_event_recall(|_, _| {}), Code::ShutDown);
    assert_eq!(sdk.entitlement("mesh"), None);
    assert_eq!(sdk.device_info(), DEVICE);
}

#[test]
fn shut_out_without_init_lets_the_callback_go() {
    let held = Arc::new(());
    let sdk = Sdk::new();
    let inside = Arc::clone(&held);
    sdk.register_event_recall(move |_, _| {
        let _ = &inside;
    });
    sdk.shut_out();
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn what_the_program_found_out_is_recorded() {
    let world = World::new();
    let offline = world.start(world.offline());
    assert_eq!(offline.sdk.verify_notice(), None);
    offline.sdk.license_verify_notify(false, "许可证校验失败");
    assert_eq!(offline.sdk.verify_notice(), Some((false, "许可证校验失败".to_owned())));
    offline.end();
}

#[test]
fn every_call_works_inside_of_a_callback_and_shut_out_too() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    let sdk = Arc::new(Sdk::with_host(world.platform(), Some(world.offline())));
    let (sender, seen) = mpsc::channel();
    let inside: Arc<OnceLock<Arc<Sdk>>> = Arc::default();
    let cell = Arc::clone(&inside);
    sdk.register_event_recall(move |_, message| {
        let sdk = cell.get().unwrap();
        if message.contains("SHUT_DOWN") {
            sender.send(vec![]).unwrap();
            return;
        }
        let mut codes = answers(sdk);
        let start = Instant::now();
        codes.push(sdk.shut_out());
        assert!(start.elapsed() < Duration::from_secs(5));
        codes.push(sdk.license_string_request(""));
        sender.send(codes).unwrap();
    });
    assert!(inside.set(Arc::clone(&sdk)).is_ok());
    assert_eq!(sdk.init(), Code::Ok);
    assert_eq!(sdk.license_string_request(""), Code::Ok);
    let codes = seen.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(codes[0], Code::Ok);
    assert_eq!(codes[5], Code::UpgradeNotOffered);
    assert_eq!(codes[codes.len() - 2..], [Code::Ok, Code::ShutDown]);
    // From outside it waits until the last callback has returned.
    sdk.shut_out();
    let ended: Vec<_> = seen.try_iter().collect();
    // Those that were asked for inside ended too: answered before the end, or with it.
    assert!(ended.len() <= 4, "{}", ended.len());
}

#[test]
fn the_callback_may_drop_the_last_handle() {
    let world = World::new();
    let sdk = Sdk::with_host(world.platform(), Some(world.offline()));
    let holder: Arc<std::sync::Mutex<Option<Sdk>>> = Arc::default();
    let (sender, seen) = mpsc::channel();
    let inside = Arc::clone(&holder);
    sdk.register_event_recall(move |_, _| {
        drop(inside.lock().unwrap().take());
        sender.send(()).unwrap();
    });
    assert_eq!(sdk.init(), Code::Ok);
    let mut slot = holder.lock().unwrap();
    assert_eq!(sdk.license_string_request(""), Code::Ok);
    *slot = Some(sdk);
    drop(slot);
    seen.recv_timeout(Duration::from_secs(20)).unwrap();
}

#[test]
fn what_is_open_at_the_end_fails_before_the_end() {
    let world = World::new();
    world.server.script(|_, _| None);
    let online = world.online();
    for _ in 0..3 {
        assert_eq!(online.sdk.license_string_request(""), Code::Ok);
    }
    assert_eq!(online.sdk.check_new_versions(), Code::Ok);
    world.server.until_asked("/", 1);
    let start = Instant::now();
    online.sdk.shut_out();
    assert!(start.elapsed() < Duration::from_secs(5), "the end does not wait for the network");
    let events: Vec<_> = online.events.try_iter().collect();
    assert_eq!(events.len(), 4, "{events:?}");
    let failed = events.iter().filter(|(_, message)| message["params"]["ErrorCode"] == "SHUT_DOWN");
    assert_eq!(failed.count(), 4, "{events:?}");
}

#[test]
fn a_running_callback_is_waited_for() {
    let world = World::new();
    let sdk = Sdk::with_host(world.platform(), Some(world.offline()));
    let (sender, seen) = mpsc::channel();
    let ended = Arc::new(AtomicUsize::new(0));
    let inside = Arc::clone(&ended);
    sdk.register_event_recall(move |_, _| {
        sender.send(()).unwrap();
        thread::sleep(Duration::from_millis(200));
        inside.fetch_add(1, Ordering::SeqCst);
    });
    sdk.init();
    sdk.license_string_request("");
    seen.recv_timeout(Duration::from_secs(20)).unwrap();
    sdk.shut_out();
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[test]
fn many_threads_ask_and_every_question_has_one_end() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    world.server.script(|_, _| Some(refused(503, Code::ServiceUnavailable)));
    let online = world.online();
    let accepted: Vec<BTreeMap<&str, usize>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let sdk = &online.sdk;
                scope.spawn(move || {
                    let mut accepted = BTreeMap::from([("license", 0), ("versions", 0)]);
                    for i in 0..40 {
                        let device = if i % 5 == 0 { OTHER } else { "" };
                        let code = if i % 2 == 0 {
                            sdk.license_string_request(device)
                        } else {
                            sdk.license_file_request(&format!("{number}.lic"), device)
                        };
                        *accepted.get_mut("license").unwrap() += usize::from(code == Code::Ok);
                        let code = sdk.check_new_versions();
                        *accepted.get_mut("versions").unwrap() += usize::from(code == Code::Ok);
                        let _ = (sdk.entitlement("mesh"), sdk.warnings(), sdk.device_info());
                        if number == 7 && i == 30 {
                            sdk.shut_out();
                        }
                    }
                    accepted
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    online.sdk.shut_out();
    let total = |name| accepted.iter().map(|counts| counts[name]).sum::<usize>();
    let mut events = BTreeMap::new();
    for (kind, _) in online.events.try_iter() {
        *events.entry(kind.number()).or_insert(0) += 1;
    }
    assert!(total("license") > 0 && total("versions") > 0);
    assert_eq!(events[&EventType::LicenseVerify.number()], total("license"));
    assert_eq!(events[&EventType::UpgradeNotice.number()], total("versions"));
    assert_eq!(events.len(), 2);
}

#[test]
fn many_can_be_made_and_dropped_at_once() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let offline = world.start(world.offline());
                    assert_eq!(offline.code(), "OK");
                }
            });
        }
    });
}
