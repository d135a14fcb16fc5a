//! What an operator does about machines, licenses and activation codes, by `licctl` as he types it.
#![expect(clippy::unwrap_used, reason = "a surprise is the failure of the test")]

use std::collections::BTreeMap;

use license_tests::market::{self, TestMarketplace};
use license_tests::server::{Server, Site};
use license_tests::{flowsim, http, license, machine, program, time};
use serde_json::{Value, json};

/// Exit code and standard output.
fn licctl(server: &Server, args: &[&str]) -> (Option<i32>, String) {
    let variables = BTreeMap::from([
        ("LICCTL_SERVER".to_owned(), server.admin.clone()),
        ("LICCTL_TOKEN".to_owned(), server.token.clone()),
    ]);
    let mut command = program::command(program::licctl(), &variables);
    let output = program::run(command.args(args), time::SOON);
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn done(server: &Server, args: &[&str]) -> String {
    let (code, text) = licctl(server, args);
    assert_eq!(code, Some(0), "{args:?}: {text}");
    text
}

fn rows(server: &Server, args: &[&str]) -> Vec<Value> {
    let text = done(server, &[args, &["--json"]].concat());
    serde_json::from_str::<Value>(&text).unwrap().as_array().unwrap().clone()
}

/// The status of the answer, and its license or its code.
fn ask(server: &Server, code: &str, number: u32) -> (u16, String) {
    let reply = server.ask(code, &machine(number));
    let word = if reply.status == 200 { "license" } else { "code" };
    (reply.status, reply.json()[word].as_str().unwrap().to_owned())
}

#[test]
fn a_lost_machine_a_stopped_license_and_a_leaked_code() {
    let marketplace = TestMarketplace::start();
    let site = Site::towards(&marketplace);
    let server = site.start();
    server.apply_product(&flowsim());
    let order = market::period(1);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);
    let code = server.activation_code(&instance);
    assert_eq!(ask(&server, &code, 1).0, 200);
    let full = (409, "MACHINES_EXHAUSTED".to_owned());
    assert_eq!(ask(&server, &code, 2), full);

    // The machine was lost: its place goes to another one.
    let machines = rows(&server, &["machine", "list", "--instance", &instance]);
    assert_eq!(machines.len(), 1);
    let lost = machines[0]["machine_id"].as_str().unwrap();
    let said = done(&server, &["machine", "release", lost, "--lang", "zh"]);
    assert!(said.contains("已释放名额"), "{said}");
    let (status, second) = ask(&server, &code, 2);
    assert_eq!(status, 200);
    assert_eq!(ask(&server, &code, 1), full);
    let of_lost = rows(&server, &["license", "list", "--machine", lost]);
    assert_eq!(of_lost.len(), 1);
    let revoked = of_lost[0]["license_id"].as_str().unwrap().to_owned();
    assert_eq!(of_lost[0]["state"], "revoked");

    // A license is stopped for a time, over a power cut, too.
    let active = rows(&server, &["license", "list", "--state", "active"]);
    let stopped = active[0]["license_id"].as_str().unwrap().to_owned();
    done(&server, &["license", "suspend", &stopped]);
    server.kill();
    let server = site.start();
    let mut listed = license::revocations(&server).1;
    listed.sort_by(|a, b| a.1.cmp(&b.1));
    let entry = |id: &str, state: &str| (id.to_owned(), state.to_owned());
    assert_eq!(listed, [entry(&revoked, "revoked"), entry(&stopped, "suspended")]);
    assert_eq!(ask(&server, &code, 2), (403, "LICENSE_SUSPENDED".to_owned()));
    done(&server, &["license", "reinstate", &stopped]);
    assert_eq!(license::revocations(&server).1, [entry(&revoked, "revoked")]);
    assert_eq!(ask(&server, &code, 2), (200, second.clone()));
    let (exit, refused) = licctl(&server, &["license", "reinstate", &revoked, "--json"]);
    assert_eq!(exit, Some(1), "{refused}");
    assert!(refused.contains("CONFLICT"), "{refused}");

    // The code is in strangers' hands.
    let said = done(&server, &["instance", "rotate-code", &instance]);
    let new = server.activation_code(&instance);
    assert!(new != code && said.contains(&new), "{said}");
    assert_eq!(ask(&server, &code, 2), (403, "ACTIVATION_CODE_UNKNOWN".to_owned()));
    assert_eq!(ask(&server, &new, 2), (200, second.clone()));

    // The program is removed and gives its machine's place back.
    let proof = json!({ "license": second, "nonce": "n" });
    let path = format!("{}/v1/client/machines/release", server.listen);
    let reply = http::post(&path, None, &proof);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let receipt = license::payload(reply.json()["receipt"].as_str().unwrap());
    assert_eq!(receipt["nonce"], "n");
    assert_eq!(server.machines(&instance).0, 0);
    assert!(rows(&server, &["machine", "list"]).is_empty());

    let log = server.output();
    assert!(!log.contains(&new) && !log.contains(&second), "neither is ever logged");
    done(&server, &["audit", "verify"]);
}
