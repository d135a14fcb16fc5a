//! The commands that need a server, against one that answers what a `licd` would.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit;

use std::collections::HashMap;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const TOKEN: &str = "licd_token-for-tests";

const PRODUCT: &str = r#"
id = "flowsim"
name = "FlowSim 流体仿真"
koogallery = [{ product_id = "OFFI846204237451911168" }]

[license]
kind = "node-locked"
machines = "order"
entitlements = { mesh = true, solver-cores = 64 }
grace_days = 7
"#;

/// What was sent, and what there is.
#[derive(Default)]
struct Server {
    instances: Vec<Value>,
    links: Vec<Value>,
    products: Mutex<Vec<Value>>,
    sent: Mutex<Vec<(String, Value)>>,
    signed_list: Mutex<Option<String>>,
    /// Uploads wait until a restore is confirmed.
    restored: Mutex<bool>,
}

struct Licd {
    address: String,
    server: Arc<Server>,
    _runtime: Runtime,
}

impl Licd {
    fn start(server: Server) -> Self {
        let server = Arc::new(server);
        let router = Router::new().fallback(answer).with_state(Arc::clone(&server));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, server, _runtime: runtime }
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        run(&[arguments, &["--server", &self.address, "--token", TOKEN]].concat())
    }

    fn sent(&self) -> Vec<(String, Value)> {
        self.server.sent.lock().unwrap().clone()
    }
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_licctl"));
    command.args(arguments).env("LC_ALL", "C");
    for name in ["LICCTL_SERVER", "LICCTL_TOKEN", "LICCTL_TOKEN_FILE", "LICCTL_PASSPHRASE_FILE"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

async fn answer(
    State(server): State<Arc<Server>>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let token = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if token != Some(&format!("Bearer {TOKEN}")) {
        return problem(
            401,
            "UNAUTHORIZED",
            "This token is not known here.",
            "此令牌不属于本服务器。",
        );
    }
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let call = format!("{} {}", parts.method, parts.uri.path());
    if let Ok(body) = serde_json::from_slice(&body) {
        server.sent.lock().unwrap().push((call.clone(), body));
    }
    let sent = || server.sent.lock().unwrap().last().unwrap().1.clone();
    match call.as_str() {
        "GET /api/v1/audit" => {
            let name =
                |link: &Value| format!("{}:{}", link["server"].as_str().unwrap(), link["seq"]);
            let after = query.get("after");
            let past = after.and_then(|after| server.links.iter().position(|l| name(l) == *after));
            let from = past.map_or(0, |past| past + 1);
            let limit: usize = query["limit"].parse().unwrap();
            let rows: Vec<_> = server.links[from..].iter().take(limit).collect();
            axum::Json(rows).into_response()
        }
        "GET /api/v1/instances" => page(&server.instances, "instance_id", &query),
        "GET /api/v1/instances/i-1" => {
            let mut detail = server.instances[0].clone();
            detail["licenses"] = json!([]);
            axum::Json(detail).into_response()
        }
        "GET /api/v1/products" => {
            axum::Json(server.products.lock().unwrap().clone()).into_response()
        }
        "GET /api/v1/products/flowsim" => match server.products.lock().unwrap().first() {
            Some(product) => axum::Json(product.clone()).into_response(),
            None => problem(404, "PRODUCT_UNKNOWN", "No such product.", "没有该产品。"),
        },
        "POST /api/v1/products" => {
            let mut product = sent();
            product["updated_at"] = 1.into();
            server.products.lock().unwrap().push(product.clone());
            axum::Json(product).into_response()
        }
        "GET /api/v1/restore" => restore(&server, false),
        "POST /api/v1/restore/confirm" => restore(&server, true),
        "GET /api/v1/machines" => {
            problem(503, "SERVICE_UNAVAILABLE", "The database is away.", "数据库不可用。")
        }
        "GET /api/v1/licenses"
        | "GET /api/v1/uploads"
        | "GET /api/v1/releases"
        | "GET /api/v1/tenants"
        | "GET /api/v1/applications"
        | "GET /api/v1/departments" => axum::Json(json!([])).into_response(),
        "GET /api/v1/notices" => {
            let rows = match query.get("state").map(String::as_str) {
                Some("failed") => json!([]),
                _ => json!([{"order_id": "CS1", "order_line_id": "CS1-000001", "state": "read",
                    "order_type": "NEW", "instance_id": "i-1", "quantity": 50,
                    "received_at": 1_795_132_800, "repeated_at": 1_795_132_800}]),
            };
            assert_eq!(query["limit"], "1000");
            axum::Json(rows).into_response()
        }
        "GET /api/v1/alerts" => axum::Json(json!([{"alert_id": "a-1", "alert": "refund_nearing",
            "subject": "i-1", "level": "error", "message": "paid back soon",
            "message_zh": "即将退款", "fields": {}, "at": 1_795_132_800, "again": 0,
            "deliveries": []}]))
        .into_response(),
        "GET /api/v1/users" => page(&users(&query), "id", &query),
        "GET /api/v1/releases/signed" => match &*server.signed_list.lock().unwrap() {
            Some(list) => list.clone().into_response(),
            None => problem(404, "NOT_FOUND", "No list.", "没有列表。"),
        },
        "POST /api/v1/releases" => {
            if let Some(document) = sent()["document"].as_str() {
                *server.signed_list.lock().unwrap() = Some(document.to_owned());
            }
            (StatusCode::CREATED, axum::Json(json!([]))).into_response()
        }
        "POST /api/v1/uploads/u-1/retry" => {
            axum::Json(json!({ "upload_id": "u-1" })).into_response()
        }
        "POST /api/v1/tokens" => {
            let mut token = sent();
            token["token"] = "licd_new".into();
            (StatusCode::CREATED, axum::Json(token)).into_response()
        }
        _ => problem(404, "NOT_FOUND", "Nothing is here.", "此处没有内容。"),
    }
}

fn users(query: &HashMap<String, String>) -> Vec<Value> {
    let user = |n| {
        json!({"id": format!("{n:03}"), "user_name": format!("u{n}"), "name": "张三",
            "role": "user", "enabled": true, "org_code": "D01", "app_id": "a1",
            "instance_id": "i-1", "tenant_id": query.get("tenant_id").cloned().unwrap_or_default(),
            "created_at": 1_795_132_800, "changed_at": 1_795_132_800})
    };
    (0..600).map(user).collect()
}

fn page(rows: &[Value], key: &str, query: &HashMap<String, String>) -> Response {
    let limit: usize = query["limit"].parse().unwrap();
    let after = query.get("after").cloned().unwrap_or_default();
    let rows: Vec<_> =
        rows.iter().filter(|row| row[key].as_str().unwrap() > after.as_str()).take(limit).collect();
    axum::Json(rows).into_response()
}

fn restore(server: &Server, confirmed: bool) -> Response {
    let mut waits = server.restored.lock().unwrap();
    *waits = *waits && !confirmed;
    axum::Json(json!({"uploads_wait": *waits})).into_response()
}

fn problem(status: u16, code: &str, en: &str, zh: &str) -> Response {
    let body = json!({
        "type": "about:blank", "title": en, "title_zh": zh, "status": status,
        "detail": en, "detail_zh": zh, "code": code,
    });
    (
        StatusCode::from_u16(status).unwrap(),
        [(header::CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}

fn instance(id: &str) -> Value {
    json!({
        "instance_id": id, "order_id": "CS1", "order_line_id": "CS1-000001", "product": "flowsim",
        "state": "active", "activation_code": "22222-22222-22222-22222-8",
        "machines": { "used": 1, "limit": 50 }, "expires": 1_826_668_799,
        "order_state": "read", "unserved": 1, "created_at": 1_795_132_800,
    })
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn instances_are_listed_to_the_last_page() {
    let instances = (0..1100).map(|number| instance(&format!("i-{number:05}"))).collect();
    let licd = Licd::start(Server { instances, ..Server::default() });
    let (code, out, _) = licd.run(&["instance", "list", "--json"]);
    let rows = parsed(&out);
    assert_eq!((code, rows.as_array().unwrap().len()), (Some(0), 1100));
    assert_eq!(rows[1099]["instance_id"], "i-01099");
    for name in
        ["instance_id", "order_id", "product", "state", "activation_code", "machines", "expires"]
    {
        assert!(rows[0].get(name).is_some(), "{name}");
    }
    assert_eq!(rows[0]["machines"], json!({ "used": 1, "limit": 50 }));
}

#[test]
fn people_see_codes_and_who_waits() {
    let licd = Licd::start(Server { instances: vec![instance("i-1")], ..Server::default() });
    let (code, out, _) = licd.run(&["instance", "list"]);
    assert_eq!(code, Some(0));
    for text in ["22222-22222-22222-22222-8", "1 / 50", "2027-11-19", "licenses: 1"] {
        assert!(out.contains(text), "{text}: {out}");
    }
    let (code, out, _) = licd.run(&["instance", "show", "i-1", "--lang", "zh"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("激活码: 22222-22222-22222-22222-8"), "{out}");
    let (code, out, err) = licd.run(&["instance", "show", "i-2"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.contains("Nothing is here. (NOT_FOUND)"), "{err}");
}

#[test]
fn empty_lists_say_what_to_do() {
    let licd = Licd::start(Server::default());
    for (command, text) in [
        ("instance", "licctl market buy"),
        ("product", "licctl product apply"),
        ("license", "applies for one"),
        ("upload", "the marketplace asked for"),
        ("release", "licctl release publish"),
        ("tenant", "joint-operation kit"),
        ("application", "joint-operation kit"),
        ("department", "joint-operation kit"),
    ] {
        let (code, out, _) = licd.run(&[command, "list"]);
        assert_eq!(code, Some(0), "{command}");
        assert!(out.contains(text), "{command}: {out}");
        let (_, out, _) = licd.run(&[command, "list", "--json"]);
        assert_eq!(parsed(&out), json!([]), "{command}");
    }
}

#[test]
fn notifications_are_listed() {
    let licd = Licd::start(Server::default());
    let (code, out, err) = licd.run(&["notice", "list"]);
    assert_eq!(code, Some(0), "{err}");
    for text in ["CS1-000001", "read", "NEW", "50", "i-1", "2026-11-20T00:00:00Z"] {
        assert!(out.contains(text), "{text}: {out}");
    }
    let (code, out, _) = licd.run(&["notice", "list", "--state", "failed", "--lang", "zh"]);
    assert_eq!((code, out.trim()), (Some(0), "没有订单通知"));
}

#[test]
fn alerts_speak_both_languages() {
    let licd = Licd::start(Server::default());
    for (lang, text) in [("en", "paid back soon"), ("zh", "即将退款")] {
        let (code, out, err) = licd.run(&["alert", "list", "--lang", lang]);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains(text), "{out}");
    }
}

#[test]
fn users_are_listed_to_the_last_page() {
    let licd = Licd::start(Server::default());
    let (code, out, _) = licd.run(&["user", "list", "--tenant", "t1", "--json"]);
    let rows = parsed(&out);
    assert_eq!((code, rows.as_array().unwrap().len()), (Some(0), 600));
    assert_eq!((&rows[599]["user_name"], &rows[0]["tenant_id"]), (&json!("u599"), &json!("t1")));
    let (_, out, _) = licd.run(&["user", "list", "--lang", "zh"]);
    for text in ["用户", "u599", "张三", "true", "D01", "2026-11-20T00:00:00Z"] {
        assert!(out.contains(text), "{text}: {}", &out[..400.min(out.len())]);
    }
}

#[test]
fn a_product_is_applied_and_can_be_applied_again_as_shown() {
    let licd = Licd::start(Server::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flowsim.toml");
    std::fs::write(&file, PRODUCT).unwrap();
    let file = file.to_str().unwrap();
    let (code, out, err) = licd.run(&["product", "apply", file]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("applied flowsim (FlowSim 流体仿真)"), "{out}");
    assert_eq!(licd.sent()[0].1["license"]["entitlements"]["solver-cores"], 64);

    let (_, shown, _) = licd.run(&["product", "show", "flowsim"]);
    let again = folder.path().join("again.toml");
    std::fs::write(&again, shown).unwrap();
    let (code, out, err) = licd.run(&["product", "apply", again.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("replaced flowsim"), "{out}");
    assert_eq!(licd.sent()[0].1, licd.sent()[1].1);
}

#[test]
fn a_wrong_product_never_reaches_the_server() {
    let licd = Licd::start(Server::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flowsim.toml");
    std::fs::write(&file, PRODUCT.replace("grace_days", "grace_day")).unwrap();
    let (code, out, err) = licd.run(&["product", "apply", file.to_str().unwrap()]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("line 10") && err.contains("did you mean `grace_days`?"), "{err}");
    assert!(licd.sent().is_empty());
}

#[test]
fn releases_are_signed_here_and_never_changed_afterwards() {
    let licd = Licd::start(Server::default());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, package, notes) = (path("release.key"), path("p.tar.gz"), path("zh.txt"));
    let made = run(&[
        "key",
        "generate",
        "--purpose",
        "release",
        "--out",
        &key,
        "--no-passphrase",
        "--issuer",
        "FlowSim Ltd",
    ]);
    assert_eq!(made.0, Some(0), "{}", made.2);
    std::fs::write(&package, "abc").unwrap();
    std::fs::write(&notes, "修复\n").unwrap();
    let publish = |version: &str, more: &[&str]| {
        let url = "https://dl.example.com/p.tar.gz";
        let start = ["release", "publish", "--product", "flowsim", "--version", version];
        licd.run(
            &[&start, &["--file", &package, "--url", url, "--notes-zh", &notes], more].concat(),
        )
    };

    let (code, _, err) = publish("2.0.0", &["--key", &key]);
    assert_eq!(code, Some(0), "{err}");
    let (code, out, err) = publish("2.1", &["--key", &key, "--force"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("published flowsim 2.1.0, signed here"), "{out}");
    let sent = licd.sent().last().unwrap().1.clone();
    assert_eq!(sent["key"]["lic_typ"], json!(["release+jwt"]));
    let keys =
        license_core::trust::KeyRing::from_jwks(&json!({ "keys": [sent["key"]] }).to_string());
    let document = sent["document"].as_str().unwrap();
    let now = "2100-01-01".parse().unwrap();
    let (list, _) =
        license_core::release::ReleaseList::open(document, &keys.unwrap(), now).unwrap();
    assert_eq!((list.issuer.as_str(), list.releases.len()), ("FlowSim Ltd", 2));
    let newest = &list.releases[0];
    assert_eq!((newest.version.to_string().as_str(), newest.len), ("2.1.0", 3));
    assert_eq!((newest.notes.zh.as_str(), newest.obliges.is_some()), ("修复", true));

    std::fs::write(&package, "changed").unwrap();
    let (code, _, err) = publish("2.1.0", &["--key", &key]);
    assert_eq!(code, Some(1));
    assert!(err.contains("published with another package (CONFLICT)"), "{err}");

    let other = path("other.key");
    run(&["key", "generate", "--purpose", "release", "--out", &other, "--no-passphrase"]);
    let (code, _, err) = publish("2.2.0", &["--key", &other]);
    assert_eq!(code, Some(1));
    assert!(err.contains("KEY_UNKNOWN") && err.contains("--adopt"), "{err}");

    let withdraw = |key: &str| {
        let args =
            ["release", "withdraw", "--product", "flowsim", "--version", "2.1", "--key", key];
        licd.run(&args)
    };
    let (code, _, err) = withdraw(&other);
    assert_eq!(code, Some(1));
    assert!(err.contains("KEY_UNKNOWN"), "{err}");
    let (code, out, err) = withdraw(&key);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("withdrawn flowsim 2.1.0"), "{out}");
    let sent = licd.sent().last().unwrap().1.clone();
    let keys =
        license_core::trust::KeyRing::from_jwks(&json!({ "keys": [sent["key"]] }).to_string());
    let document = sent["document"].as_str().unwrap();
    let (shorter, _) =
        license_core::release::ReleaseList::open(document, &keys.unwrap(), now).unwrap();
    assert!(shorter.seq > list.seq);
    assert_eq!(shorter.releases, [list.releases[1].clone()]);
    let (code, _, err) = withdraw(&key);
    assert_eq!(code, Some(1));
    assert!(err.contains("NOT_FOUND"), "{err}");
}

#[test]
fn an_issuing_key_signs_no_release() {
    let licd = Licd::start(Server::default());
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("issuing.key").to_str().unwrap().to_owned();
    run(&["key", "generate", "--out", &key, "--no-passphrase"]);
    let (code, _, err) = licd.run(&[
        "release",
        "publish",
        "--product",
        "p",
        "--version",
        "1",
        "--file",
        &key,
        "--url",
        "https://dl.example.com/p",
        "--key",
        &key,
    ]);
    assert_eq!(code, Some(1));
    assert!(err.contains("KEY_NOT_ALLOWED"), "{err}");
}

#[test]
fn without_a_key_the_server_signs() {
    let licd = Licd::start(Server::default());
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("p").to_str().unwrap().to_owned();
    std::fs::write(&package, "abc").unwrap();
    let (code, out, err) = licd.run(&[
        "release",
        "publish",
        "--product",
        "flowsim",
        "--version",
        "2.0.0",
        "--file",
        &package,
        "--url",
        "https://dl.example.com/p",
        "--force-from",
        "<1.5",
        "--date",
        "2027-01-01",
        "--json",
    ]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(parsed(&out)["code"], "OK");
    let sent = licd.sent()[0].1.clone();
    assert_eq!(
        (&sent["version"], &sent["obliges"], &sent["len"], &sent["platform"], &sent["date"]),
        (&"2.0.0".into(), &"<1.5".into(), &3.into(), &"*".into(), &1_798_761_600.into())
    );
}

#[test]
fn tokens_go_to_standard_output_alone() {
    let licd = Licd::start(Server::default());
    let (code, out, err) =
        licd.run(&["token", "create", "--role", "viewer", "--name", "monitoring"]);
    assert_eq!((code, out.as_str()), (Some(0), "licd_new\n"));
    assert!(err.contains("shown this once"), "{err}");
    assert_eq!(licd.sent()[0].1, json!({ "name": "monitoring", "role": "viewer" }));
}

#[test]
fn an_upload_is_sent_again() {
    let licd = Licd::start(Server::default());
    let (code, out, _) = licd.run(&["upload", "retry", "u-1"]);
    assert_eq!((code, out.as_str()), (Some(0), "u-1 is sent again\n"));
}

#[test]
fn refusals_say_the_next_step_in_both_languages() {
    let licd = Licd::start(Server::default());
    let ask =
        |more: &[&str]| run(&[&["instance", "list", "--server", &licd.address], more].concat());
    let (code, _, err) = ask(&["--token", "licd_wrong"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("This token is not known here. (UNAUTHORIZED)"), "{err}");
    assert!(err.contains("admin-token"), "{err}");
    let (_, out, _) = ask(&["--token", "licd_wrong", "--lang", "zh", "--json"]);
    let refused = parsed(&out);
    assert_eq!(refused["code"], "UNAUTHORIZED");
    assert_eq!(refused["message"], "此令牌不属于本服务器。");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("admin-token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    assert_eq!(ask(&["--token-file", file.to_str().unwrap()]).0, Some(0));
    let (code, _, err) = ask(&[]);
    assert_eq!(code, Some(2));
    assert!(err.contains("no token was given") && err.contains("admin-token"), "{err}");
}

#[test]
fn a_restore_is_confirmed_once() {
    let licd = Licd::start(Server { restored: Mutex::new(true), ..Server::default() });
    for told in ["uploads go on", "nothing to confirm", "nothing to confirm"] {
        let (code, out, err) = licd.run(&["upload", "confirm-restore"]);
        assert_eq!(code, Some(0), "{out}{err}");
        assert!(out.contains(told), "{told}: {out}");
    }
}

#[test]
fn an_option_wins_over_the_environment() {
    let licd = Licd::start(Server::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let file = file.to_str().unwrap();
    let list = |options: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_licctl"));
        command.args(["license", "list", "--server", &licd.address]).args(options).env_clear();
        let output = command.envs(variables.iter().copied()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let wrong = [("LICCTL_TOKEN", "licd_wrong"), ("LICCTL_TOKEN_FILE", "/nonexistent")];
    for (options, variables) in [
        (&["--token-file", file][..], &wrong[..]),
        (&["--token", TOKEN], &wrong),
        (&[], &[("LICCTL_TOKEN", TOKEN)]),
        (&[], &[("LICCTL_TOKEN", ""), ("LICCTL_TOKEN_FILE", file)]),
    ] {
        let (code, err) = list(options, variables);
        assert_eq!(code, Some(0), "{options:?} {variables:?}: {err}");
    }
    let (code, err) = list(&["--token", TOKEN, "--token-file", file], &[]);
    assert_eq!(code, Some(2), "{err}");
    let (code, err) = list(&[], &[]);
    assert!(code != Some(0) && err.contains("LICCTL_TOKEN"), "{err}");
}

#[test]
fn a_server_that_cannot_answer_has_refused_nothing() {
    let licd = Licd::start(Server::default());
    let (code, _, err) = licd.run(&["machine", "list"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("The database is away. (SERVICE_UNAVAILABLE)"), "{err}");
    assert!(err.contains("next step: try again"), "{err}");
}
