//! `licctl market buy` plays an order to its end and says what went wrong.

use crate::fake::{Fault, KEY, Seller, code};
use crate::{json, run};

const DEVICE: &str = "04:7C:16:5E:E3:5D|001B_444A_488B_5CEC.|PF3N9Q0D|BFEBFBFF00090672";

fn buy(fault: Option<Fault>, more: &[&str]) -> (Option<i32>, String) {
    let seller = Seller::start(fault);
    let start = ["market", "buy", &seller.url, "--access-key", KEY];
    let (code, out, err) = run(&[&start, more].concat());
    assert_eq!(err, "");
    (code, out)
}

#[test]
fn an_order_is_played_with_its_re_sends() {
    let (exit, out) = buy(None, &["--dev-info", DEVICE, "--event", "EV-1", "--json"]);
    let done = json(&out);
    assert_eq!((exit, &done["code"]), (Some(0), &"OK".into()));
    assert_eq!(done["instance_id"], "I-MOCKPERIODYEARNEW-000001");
    assert_eq!(done["activation_code"], code());
    assert_eq!(done["event_id"], "EV-1");
    let calls: Vec<_> = done["calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (call["activity"].as_str().unwrap(), call["attempt"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        calls,
        [
            ("newInstance", 1),
            ("newInstance", 2),
            ("queryInstance", 1),
            ("getLicenseAsync", 1),
            ("getLicenseAsync", 2)
        ]
    );
}

#[test]
fn people_read_a_timeline() {
    let (code, out) = buy(None, &["--order", "CS1", "--resend", "0", "--dev-info", DEVICE]);
    assert_eq!(code, Some(0));
    for text in [
        "newInstance",
        "orderId=CS1  orderLineId=CS1-000001",
        "instanceId I-CS1-000001",
        "the buyer reads: Activation code",
        "getLicenseAsync",
        "000004",
        "the license arrives as an upload",
    ] {
        assert!(out.contains(text), "{text}: {out}");
    }
    assert!(!out.contains("sent again") && !out.contains("testFlag"), "{out}");
}

#[test]
fn another_instance_at_a_re_send_is_no_purchase() {
    let (code, out) = buy(Some(Fault::InstancePerRequest), &["--json"]);
    assert_eq!((code, &json(&out)["code"]), (Some(1), &"CONFLICT".into()));
}

#[test]
fn a_refused_license_has_its_code() {
    let more = ["--dev-info", DEVICE, "--json"];
    let (code, out) = buy(Some(Fault::RefusesLicenses), &more);
    assert_eq!((code, &json(&out)["code"]), (Some(1), &"MACHINES_EXHAUSTED".into()));
}
