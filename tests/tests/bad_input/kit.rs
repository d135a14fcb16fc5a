//! The kit's calls, in both editions: every field missing, empty, too long by one, of a wrong type;
//! wrong users; another interface's key. Nothing of it is kept.

use license_tests::kit::KitCall;
use license_tests::server::{Server, Site};
use license_tests::{GENERAL_KEY, KEY, KIT_KEY, LICENSE_CODE_KEY};
use serde_json::{Value, json};

const STAMP: &str = "20261122080000123";
const LISTS: [&str; 4] = ["tenants", "applications", "users", "departments"];

fn testdata(name: &str) -> String {
    format!("{}/../server/testdata/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A server that can open the secrets of applications.
fn server() -> (Site, Server) {
    let site = Site::new();
    let passphrase = site.folder().join("passphrase");
    std::fs::write(&passphrase, "correct-horse\n").unwrap();
    let site = site
        .with("LICD_KOOGALLERY__KIT_KEY", &testdata("kit-key.pem"))
        .with("LICD_KOOGALLERY__KIT_KEY_PASSPHRASE_FILE", passphrase.to_str().unwrap());
    let server = site.start();
    (site, server)
}

fn tenant() -> Value {
    json!({
        "instanceId": "i-1", "orderId": "CS1", "tenantId": "t1", "tenantCode": "code1",
        "name": "某某科技", "domainName": "https://sso.example.com", "flag": 1, "testFlag": 0,
        "timeStamp": STAMP,
    })
}

fn application() -> Value {
    let secret = std::fs::read_to_string(testdata("kit-secret-sha256.txt")).unwrap();
    json!({
        "instanceId": "i-1", "tenantId": "t1", "appId": "a1", "clientId": "c1",
        "clientSecret": secret.trim(), "flag": 1, "testFlag": 0, "timeStamp": STAMP,
    })
}

fn user() -> Value {
    json!({
        "userName": "u1", "name": "张三", "orgCode": "D01", "role": "user", "enable": "true",
        "position": "p", "employeeCode": "e", "mobile": "13800000000", "email": "a@b.c",
        "extension": { "entryDate": "2026-01-01", "employeeType": 1, "workPlace": "深圳" },
    })
}

fn users(list: &Value) -> Value {
    json!({
        "instanceId": "i-1", "tenantId": "t1", "appId": "a1", "userList": list.to_string(),
        "currentSyncTime": STAMP, "flag": 1, "testFlag": 0, "timeStamp": STAMP,
    })
}

/// The good calls; the mandatory fields with their lengths, those that may be empty apart.
type Case = (&'static str, Value, Vec<(&'static str, usize)>, Vec<(&'static str, usize)>);

fn cases() -> Vec<Case> {
    vec![
        (
            "tenantSync",
            tenant(),
            vec![
                ("tenantId", 64),
                ("tenantCode", 64),
                ("name", 255),
                ("domainName", 255),
                ("flag", 2),
                ("timeStamp", 17),
            ],
            vec![("instanceId", 64), ("orderId", 64)],
        ),
        (
            "applicationSync",
            application(),
            vec![
                ("instanceId", 64),
                ("tenantId", 64),
                ("appId", 64),
                ("clientId", 64),
                ("clientSecret", 2048),
                ("flag", 2),
                ("timeStamp", 17),
            ],
            vec![],
        ),
        (
            "authSync",
            users(&json!([user()])),
            vec![
                ("instanceId", 64),
                ("tenantId", 64),
                ("appId", 64),
                ("userList", 0),
                ("currentSyncTime", 64),
                ("flag", 2),
                ("timeStamp", 17),
            ],
            vec![],
        ),
    ]
}

fn refuses(server: &Server, path: &str, body: &Value, name: &str) {
    let answer = KitCall::to(path, body).send(server);
    assert_eq!(answer["resultCode"], "000002", "{path} {name}: {answer}");
    let message = answer["resultMsg"].as_str().unwrap_or_default();
    assert!(message.contains(name), "{path} {name}: {message}");
    assert!(!message.is_ascii(), "a refusal speaks Chinese too: {message}");
    assert!(message.chars().count() <= 255, "{message}");
}

fn nothing_is_kept(server: &Server) {
    for list in LISTS {
        assert_eq!(server.admin_get(&format!("/api/v1/{list}")).json(), json!([]), "{list}");
    }
}

#[test]
fn fields_that_are_missing_empty_too_long_or_of_a_wrong_type() {
    let (_site, server) = server();
    for (interface, good, mandatory, may_be_empty) in cases() {
        let newer = format!("v2/{interface}");
        for (name, length) in mandatory.iter().chain(&may_be_empty) {
            let mut body = good.clone();
            body.as_object_mut().unwrap().remove(*name);
            // The first edition's signature names the time, and without it is none.
            refuses(&server, &newer, &body, name);
            if *name != "timeStamp" {
                refuses(&server, interface, &body, name);
            }
            if mandatory.iter().any(|(known, _)| known == name) {
                body[*name] = json!("");
                refuses(&server, &newer, &body, name);
            }
            for wrong in [json!({ "a": 1 }), json!([1]), json!(true)] {
                body[*name] = wrong;
                refuses(&server, &newer, &body, name);
            }
            if *length > 0 {
                body[*name] = json!("9".repeat(length + 1));
                refuses(&server, &newer, &body, name);
            }
        }
        for (name, wrong) in [
            ("flag", json!(3)),
            ("flag", json!("x")),
            ("testFlag", json!(2)),
            ("testFlag", json!("000")),
            ("timeStamp", json!("20261340000000000")),
            ("timeStamp", json!("yesterday")),
        ] {
            let mut body = good.clone();
            body[name] = wrong;
            refuses(&server, &newer, &body, name);
        }
        // Only the second edition changes tenants and applications.
        if interface != "authSync" {
            let mut change = good.clone();
            change["flag"] = json!(2);
            refuses(&server, interface, &change, "flag");
        }
    }
    for (name, wrong) in [
        ("domainName", json!("sso.example.com")),
        ("domainName", json!("http://sso.example.com")),
        ("domainName", json!("ftp://sso.example.com")),
    ] {
        let mut body = tenant();
        body[name] = wrong;
        refuses(&server, "v2/tenantSync", &body, name);
    }
    // For another key, and for none: base64 that no key of ours opens.
    for wrong in [json!("!!!"), json!("QUJD"), json!("QUJD".repeat(128))] {
        let mut body = application();
        body["clientSecret"] = wrong;
        refuses(&server, "v2/applicationSync", &body, "clientSecret");
    }
    nothing_is_kept(&server);
}

#[test]
fn users_that_are_none() {
    let (_site, server) = server();
    let path = "v2/authSync";
    for name in ["userName", "name", "orgCode", "role", "enable"] {
        let mut wrong = user();
        wrong.as_object_mut().unwrap().remove(name);
        refuses(&server, path, &users(&json!([user(), wrong])), name);
        for value in [json!(""), json!([]), json!({}), json!("x".repeat(256))] {
            wrong[name] = value;
            refuses(&server, path, &users(&json!([user(), wrong])), "userList[1]");
        }
    }
    for name in ["position", "employeeCode", "mobile", "email"] {
        for value in [json!([]), json!({}), json!(true), json!("x".repeat(256))] {
            let mut wrong = user();
            wrong[name] = value;
            refuses(&server, path, &users(&json!([wrong])), name);
        }
    }
    for (name, value) in [
        ("role", json!("owner")),
        ("enable", json!("yes")),
        ("extension", json!("x")),
        ("extension", json!({ "employeeType": 5 })),
    ] {
        let mut wrong = user();
        wrong[name] = value;
        refuses(&server, path, &users(&json!([wrong])), "userList[0]");
    }
    for list in [json!("x"), json!({}), json!(7), json!([7]), json!([[]])] {
        refuses(&server, path, &users(&list), "");
    }
    refuses(&server, path, &users(&json!(vec![user(); 501])), "userList");
    nothing_is_kept(&server);
}

#[test]
fn only_the_kits_key_signs() {
    let (_site, server) = server();
    let organisation = ("singleOrgSync", json!({ "instanceId": "i-1", "timeStamp": STAMP }));
    let calls = cases().into_iter().map(|(interface, good, ..)| (interface, good));
    let calls: Vec<(&str, Value)> = calls.chain([organisation]).collect();
    for (interface, good) in &calls {
        for path in [(*interface).to_owned(), format!("v2/{interface}")] {
            for key in [KEY, LICENSE_CODE_KEY, GENERAL_KEY] {
                let answer = KitCall::to(&path, good).signed(key).send(&server);
                assert_eq!(answer["resultCode"], "000001", "{path}: {answer}");
            }
        }
    }
    nothing_is_kept(&server);
    for (interface, good) in &calls {
        for path in [(*interface).to_owned(), format!("v2/{interface}")] {
            // Members that no table names are tolerated, and an unknown instance is.
            let mut more = good.clone();
            more["later"] = json!("x");
            let answer = KitCall::to(&path, &more).signed(KIT_KEY).send(&server);
            assert_eq!(answer["resultCode"], "000000", "{path}: {answer}");
        }
    }
    assert_eq!(server.admin_get("/api/v1/users").json().as_array().unwrap().len(), 1);
}
