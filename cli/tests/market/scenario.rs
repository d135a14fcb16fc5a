//! `licctl market serve --scenario` agrees with a seller that obeys and finds those that do not.

use std::fs;

use serde_json::Value;

use crate::fake::{Fault, KEY, Seller};
use crate::{json, run};

/// Plays against a seller that uploads nothing, so nothing is applied for unless it is told to.
fn play(fault: Option<Fault>, license: f64) -> (Option<i32>, Value) {
    let seller = Seller::start(fault);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("month.toml");
    fs::write(folder.path().join("key"), KEY).unwrap();
    let text = format!(
        "orders = 12\nrate = 1000\ntime_factor = 10000\npause_seconds = 0\npatience_seconds = 0.2\n\
         resend = 1.0\nmachines = 2\n[seller]\nurl = \"{}\"\naccess_key_file = \"key\"\n\
         [share]\nlicense = {license}\nupgrade = 0\nfreeze = 0\nrelease = 0\nrenew = 1.0\n",
        seller.url
    );
    fs::write(&file, text).unwrap();
    let serve = ["market", "serve", "--json", "--listen", "127.0.0.1:0", "--ak", "a", "--sk", "b"];
    let (code, out, err) = run(&[&serve[..], &["--scenario", file.to_str().unwrap()]].concat());
    assert!(err.contains("no token was given"), "{err}");
    (code, json(&out))
}

#[test]
fn a_seller_that_obeys_agrees() {
    let (code, report) = play(None, 0.0);
    let summary = &report["summary"];
    assert_eq!((code, &report["code"]), (Some(0), &"OK".into()), "{report:#}");
    assert_eq!((&summary["orders"], &summary["disagreeing"]), (&12.into(), &0.into()));
    assert_eq!(
        (&summary["failed_calls"], &report["orders"][3]["state"]),
        (&0.into(), &"active".into())
    );
    assert!(summary["resends"].as_u64().unwrap() >= 24, "{summary}");
}

#[test]
fn a_second_instance_and_a_license_that_never_comes_are_found() {
    let (code, report) = play(Some(Fault::InstancePerRequest), 0.0);
    assert_eq!((code, &report["code"]), (Some(1), &"CONFLICT".into()));
    assert_eq!(report["summary"]["disagreeing"], 12);
    let text = report["orders"][0]["disagreements"][0].as_str().unwrap();
    assert!(text.starts_with("Create sent again"), "{text}");

    let (code, report) = play(None, 1.0);
    assert_eq!((code, &report["summary"]["disagreeing"]), (Some(1), &12.into()));
    let text = report["orders"][0]["disagreements"][0].as_str().unwrap();
    assert!(text.starts_with("no license arrived"), "{text}");
}

/// Two hours of refusals, compressed: the buyers have their money back.
#[test]
fn a_seller_that_never_answers_well_refunds() {
    let (code, report) = play(Some(Fault::AcceptsReplays), 0.0);
    assert_eq!(code, Some(0), "replays are not what a scenario sends: {report:#}");
    let (code, report) = play(Some(Fault::Broken), 0.0);
    assert_eq!((code, &report["summary"]["refunded"]), (Some(1), &12.into()));
    assert_eq!(report["orders"][0]["failed"], 60);
}

#[test]
fn a_scenario_that_cannot_be_played_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("month.toml");
    let serve = ["market", "serve", "--ak", "a", "--sk", "b", "--listen", "127.0.0.1:0"];
    for (text, why) in [
        ("orders = \"many\"", "orders"),
        ("[share]\nrenewal = 1", "unknown field `renewal`"),
        ("[seller]\nurl = \"http://127.0.0.1:1/k\"", "names no access key"),
    ] {
        fs::write(&file, text).unwrap();
        let (code, out, err) = run(&[&serve[..], &["--scenario", file.to_str().unwrap()]].concat());
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(err.contains(why), "{err}");
    }
}
