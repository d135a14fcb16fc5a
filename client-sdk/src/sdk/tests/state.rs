//! The state folder: broken, tampered with, closed; and the clock that it remembers.

use license_core::{Code, Timestamp, revocation::RevocationStatus, time::DAY};

use super::world::*;
use crate::Config;

#[test]
fn broken_state_is_put_aside_and_stops_nothing() {
    let world = World::new();
    let names_here = ["license.lic", "revocations.jws", "releases.jws", "numbers.json", "clock"];
    for name in names_here {
        world.write(name, "-----BEGIN LICENSE-----\ngarbage \u{0}\n");
    }
    world.server.gives(&sealed(&license(DEVICE, |_| {})));
    let online = world.online();
    assert_eq!(online.code(), "OK");
    online.end();
    let there = names(&world.state(""));
    for name in names_here {
        assert!(there.contains(&format!("{name}.corrupt")), "{name}: {there:?}");
    }
    assert!(there.contains(&"license.lic".to_owned()));
}

#[test]
fn every_byte_changed_in_the_kept_license_is_noticed() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    let good = world.read("license.lic").unwrap();
    let document = good.find("eyJ").unwrap()..good.find("\n=").unwrap();
    for at in document.step_by(23).filter(|at| good.as_bytes()[*at] != b'\n') {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        std::fs::write(world.state("license.lic"), bytes).unwrap();
        let offline = world.start(world.offline());
        assert_ne!(offline.code(), "OK", "byte {at}");
        offline.end();
    }
}

#[test]
fn lists_by_somebody_else_do_not_count() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    let payload = license_core::revocation::payload(
        "licd",
        99,
        NOW,
        NOW.plus(DAY),
        &[("lic-1".to_owned(), RevocationStatus::Revoked)],
    );
    for seed in [2, 9] {
        let forged =
            license_core::issue::seal(license_core::jws::DocType::Revocation, &payload, &key(seed))
                .unwrap();
        world.write("revocations.jws", &forged);
        let offline = world.start(world.offline());
        assert_eq!(offline.code(), "OK");
        offline.end();
        assert!(world.read("revocations.jws.corrupt").is_some());
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_only_a_warning() {
    let world = World::new();
    let blocked = world.root.path().join("file");
    std::fs::write(&blocked, "a file where a folder should be").unwrap();
    world.server.gives(&sealed(&license(DEVICE, |_| {})));
    let running = world
        .start(Config { state_dir: blocked.join("state").display().to_string(), ..world.config() });
    assert_eq!(running.code(), "OK");
    assert_eq!(running.code(), "OK", "it is remembered while the program runs");
    assert_eq!(world.server.count("/v1/client/licenses"), 1);
    let warnings = running.sdk.warnings();
    assert!(warnings.iter().any(|warning| warning.starts_with("STATE_UNWRITABLE")), "{warnings:?}");
    assert_eq!(running.sdk.license_file_request("", ""), Code::Ok);
    let params = running.next(crate::EventType::LicenseVerify);
    assert_eq!(params["ErrorCode"], "STATE_UNWRITABLE", "a file cannot be had there");
    running.end();
}

#[test]
fn without_any_folder_it_works_for_one_run() {
    let world = World::new();
    world.server.gives(&sealed(&license(DEVICE, |_| {})));
    let running = world.start(Config { state_dir: String::new(), ..world.config() });
    assert_eq!(running.code(), "OK");
    assert_eq!(running.sdk.license_file_request("x.lic", ""), Code::StateUnwritable);
    running.end();
}

/// One start with the clock at `now`.
fn start_at(world: &World, now: Timestamp) -> (String, Option<String>) {
    world.set(now);
    let offline = world.start(world.offline());
    let params = offline.string();
    let code = params["ErrorCode"].as_str().unwrap_or("OK").to_owned();
    offline.end();
    (code, params["Warnings"].as_str().map(str::to_owned))
}

#[test]
fn a_clock_set_back_is_warned_of_for_three_days_and_then_refused() {
    let world = World::new();
    world.keep(&license(DEVICE, |license| license.issued_at = NOW.plus(-100 * DAY)));
    for day in [-80, -60, -40, -20, 0] {
        assert_eq!(start_at(&world, NOW.plus(day * DAY)), ("OK".to_owned(), None));
    }
    for day in 0..3 {
        let (code, warnings) = start_at(&world, NOW.plus((day - 50) * DAY));
        assert_eq!((code.as_str(), warnings.as_deref()), ("OK", Some("CLOCK_BEHIND")), "{day}");
    }
    let refused = ("CLOCK_ROLLED_BACK".to_owned(), None);
    assert_eq!(start_at(&world, NOW.plus(-47 * DAY)), refused);

    // One of the two places does not help whoever deletes the other.
    std::fs::remove_file(world.state("clock")).unwrap();
    assert_eq!(start_at(&world, NOW.plus(-46 * DAY)), refused);
    std::fs::remove_dir_all(world.root.path().join("second")).unwrap();
    assert_eq!(start_at(&world, NOW.plus(-46 * DAY)), refused);

    // Nor does a place edited by hand.
    let text = world.read("clock").unwrap();
    world.write("clock", &text.replace(&NOW.as_secs().to_string(), "1"));
    assert_eq!(start_at(&world, NOW.plus(-46 * DAY)), refused);

    assert_eq!(start_at(&world, NOW).0, "OK", "setting the clock right is all it takes");
}

#[test]
fn a_receipt_heals_a_floor_that_is_too_high() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    // A day and a half each time: no jump is large enough to be doubted.
    for step in 0..40 {
        world.set(NOW.plus(step * 3 * DAY / 2));
        let offline = world.start(world.offline());
        assert_eq!(offline.code(), "OK");
        offline.end();
    }
    for day in 1..4 {
        assert_eq!(start_at(&world, NOW.plus(day * DAY)).0, "OK");
    }
    assert_eq!(start_at(&world, NOW.plus(4 * DAY)).0, "CLOCK_ROLLED_BACK");
    world.set(NOW);
    world.server.gives(&sealed(&license(DEVICE, |_| {})));
    let online = world.online();
    assert_eq!(online.code(), "OK", "the server's time is believed");
    online.end();
    assert_eq!(start_at(&world, NOW.plus(DAY)), ("OK".to_owned(), None));
}

#[test]
fn the_license_in_force_ends_while_the_program_runs() {
    let world = World::new();
    world.keep(&license(DEVICE, |license| license.expires = Some(NOW.plus(DAY))));
    let offline = world.start(world.offline());
    assert_eq!(offline.code(), "OK");
    assert!(offline.sdk.entitlement("mesh").is_some());
    world.set(NOW.plus(2 * DAY));
    assert_eq!(offline.code(), "LICENSE_EXPIRED");
    assert_eq!(offline.sdk.entitlement("mesh"), None);
    offline.end();
}
