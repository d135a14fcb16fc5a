//! Logins of buyers through the real listener, against an authentication centre on loopback.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use koogallery::oauth;
use serde_json::{Value, json};

use super::client::send;
use super::{Answer, Server, kit};
use crate::config::Login;
use crate::store::Role;

/// The calls that the center received.
type OauthCalls = Arc<Mutex<Vec<HashMap<String, String>>>>;

struct FakeOauthCenter {
    address: SocketAddr,
    asked: OauthCalls,
}

impl FakeOauthCenter {
    async fn start() -> Self {
        let asked = OauthCalls::default();
        let router = Router::new()
            .route("/sso/api/v1/oauth2/token", post(token))
            .route("/sso/api/v1/oauth2/userinfo", get(user_info))
            .with_state(Arc::clone(&asked));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // Ends with the runtime of its test.
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, asked }
    }

    fn base(&self) -> String {
        format!("http://{}/sso", self.address)
    }

    fn asked(&self) -> Vec<HashMap<String, String>> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

async fn token(
    State(asked): State<OauthCalls>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let code = form["code"].clone();
    asked.lock().unwrap().push(form);
    match code.as_str() {
        "slow" => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            StatusCode::OK.into_response()
        }
        "used" => {
            let body = json!({"error": "invalid_grant", "error_description": "used"});
            (StatusCode::BAD_REQUEST, body.to_string()).into_response()
        }
        "garbage" => "<html>".into_response(),
        "endless" => "x".repeat(100_000).into_response(),
        "elsewhere" => {
            (StatusCode::FOUND, [(header::LOCATION, "http://127.0.0.1:9/")]).into_response()
        }
        code => json!({"access_token": format!("at-{code}"), "token_type": "Bearer",
            "expires_in": 7200, "scope": "get_user_info", "refresh_token": "rt-1"})
        .to_string()
        .into_response(),
    }
}

async fn user_info(State(asked): State<OauthCalls>, headers: HeaderMap) -> Response {
    let bearer = headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
    asked.lock().unwrap().push(HashMap::from([("bearer".to_owned(), bearer.clone())]));
    if bearer == "Bearer at-nobody" {
        return (StatusCode::UNAUTHORIZED, r#"{"error":"invalid_token"}"#).into_response();
    }
    json!({"userName": "u1", "name": "张三", "role": "user", "tenant": "t1", "error": null})
        .to_string()
        .into_response()
}

const SHOP: &str = "https://shop.example.com/in";
const OTHER: &str = "https://other.example.com/?a=b";

fn login() -> Login {
    Login {
        public_url: Some("https://license.example.com/l".to_owned()),
        return_urls: vec![SHOP.to_owned(), OTHER.to_owned()],
        private_centres: vec!["127.0.0.0/8".parse().unwrap()],
        pkce: true,
    }
}

/// A server that knows the centre, the application `a1` and the users `u0` and `u1`.
async fn start(login: Login) -> (Server, FakeOauthCenter, tempfile::TempDir) {
    let centre = FakeOauthCenter::start().await;
    let (server, folder) = kit::start_with(|config| config.login = login).await;
    let mut tenant = kit::tenant();
    tenant["domainName"] = json!(centre.base());
    for (interface, body) in [
        ("tenantSync", tenant),
        ("applicationSync", kit::application()),
        ("authSync", kit::users(2)),
    ] {
        assert_eq!(kit::v2(&server, interface, &body).await["resultCode"], "000000");
    }
    (server, centre, folder)
}

fn members(address: &str) -> (String, HashMap<String, String>) {
    let (page, query) = address.split_once('?').unwrap();
    (page.to_owned(), form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

/// Begins a login: what the centre would be called with, and the browser's cookie.
async fn depart(server: &Server, query: &str) -> (HashMap<String, String>, String) {
    let answer = server.get(&format!("/v1/login/a1{query}")).await;
    assert_eq!(answer.status, 302, "{answer:?}");
    let (_, sent) = members(answer.header("location").unwrap());
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    (sent, cookie)
}

async fn come_back(server: &Server, query: &str, cookie: &str) -> Answer {
    let path = format!("/v1/login/callback?{query}");
    let cookie = format!("other=1; {cookie}; more=2");
    send(server.public, "GET", &path, &[("Cookie", &*cookie)], b"").await
}

async fn redeem(server: &Server, code: &str) -> Answer {
    let token = server.token(Role::Operator).await;
    server.admin("POST", "/api/v1/logins/redeem", &token, &json!({ "code": code })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_is_known_after_a_login() {
    let (server, centre, _folder) = start(login()).await;
    let answer = server.get("/v1/login/a1?state=their%26own").await;
    let (page, sent) = members(answer.header("location").unwrap());
    assert_eq!(page, format!("{}/api/v1/oauth2/authorize", centre.base()));
    let redirect = "https://license.example.com/l/v1/login/callback";
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "c1"),
        ("redirect_uri", redirect),
        ("scope", "get_user_info"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(sent[name], value);
    }
    let cookie = answer.header("set-cookie").unwrap();
    for part in ["licd_login=", "; Path=/l/v1/login;", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();

    let answer = come_back(&server, &format!("code=good&state={}", sent["state"]), cookie).await;
    assert_eq!(answer.status, 302, "{answer:?}");
    let (page, back) = members(answer.header("location").unwrap());
    assert_eq!((page.as_str(), back["state"].as_str()), (SHOP, "their&own"));

    let asked = centre.asked();
    assert_eq!(asked.len(), 2);
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("client_id", "c1"),
        ("client_secret", "client-secret-sha256"),
        ("code", "good"),
        ("redirect_uri", redirect),
    ] {
        assert_eq!(asked[0][name], value);
    }
    assert_eq!(oauth::challenge(&asked[0]["code_verifier"]), sent["code_challenge"]);
    assert_eq!(asked[1]["bearer"], "Bearer at-good");

    let who = redeem(&server, &back["code"]).await;
    assert_eq!(who.status, 200, "{who:?}");
    let who = who.json();
    assert_eq!(
        who["application"],
        json!({"instance_id": "i-1", "tenant_id": "t1", "app_id": "a1"})
    );
    assert_eq!((&who["user"]["userName"], &who["user"]["name"]), (&json!("u1"), &json!("张三")));
    assert_eq!(who["synced"], json!({"role": "user", "enabled": true}));
    assert!(!who.to_string().contains("at-good") && !who.to_string().contains("rt-1"));

    let again = redeem(&server, &back["code"]).await;
    assert_eq!((again.status, again.problem().as_str()), (404, "NOT_FOUND"));
    let token = server.token(Role::Operator).await;
    let links = server.admin("GET", "/api/v1/audit?limit=1000", &token, &Value::Null).await.json();
    let entries: Vec<&Value> = links
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|link| link["entries"].as_array().unwrap())
        .collect();
    let of = |action: &str| entries.iter().filter(|entry| entry["action"] == action).count();
    assert_eq!((of("login.keep"), of("login.redeem")), (1, 1), "what is refused leaves no trace");
    assert!(!links.to_string().contains("u1") && !links.to_string().contains(&back["code"]));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_finished_once_in_time_and_in_its_browser() {
    let (server, centre, _folder) = start(login()).await;
    let (sent, cookie) = depart(&server, "").await;
    let state = &sent["state"];
    let other = depart(&server, "").await.1;
    let mut altered = state.clone();
    altered.replace_range(20..21, if &state[20..21] == "A" { "B" } else { "A" });
    for (query, cookie) in [
        (format!("code=good&state={state}"), ""),
        (format!("code=good&state={state}"), &*other),
        (format!("code=good&state={altered}"), &cookie),
        (format!("code=good&state={}", &state[1..]), &cookie),
        ("code=good&state=nonsense".to_owned(), &cookie),
        ("code=good".to_owned(), &cookie),
        ("error=access_denied".to_owned(), &cookie),
    ] {
        let answer = come_back(&server, &query, cookie).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "REQUEST_INVALID"), "{query}");
    }
    assert!(centre.asked().is_empty());

    let query = format!("code=good&state={state}");
    let answer = come_back(&server, &query, &cookie).await;
    let code = members(answer.header("location").unwrap()).1.remove("code").unwrap();
    assert_eq!(come_back(&server, &query, &cookie).await.status, 400, "it was used");
    assert_eq!(centre.asked().len(), 2);

    // The seller has two minutes to ask, the buyer ten to log in.
    server.clock.advance_ms(121_000);
    assert_eq!(redeem(&server, &code).await.status, 404);
    let (sent, cookie) = depart(&server, "").await;
    server.clock.advance_ms(601_000);
    let query = format!("code=good&state={}", sent["state"]);
    assert_eq!(come_back(&server, &query, &cookie).await.status, 400);
    assert!(centre.asked().is_empty());

    // Two logins of one browser at once share its mark.
    let (first, cookie) = depart(&server, "").await;
    let headers = [("Cookie", &*cookie)];
    let second = send(server.public, "GET", "/v1/login/a1", &headers, b"").await;
    assert!(second.header("set-cookie").unwrap().starts_with(&cookie));
    let second = members(second.header("location").unwrap()).1;
    for sent in [second, first] {
        let query = format!("code=good&state={}", sent["state"]);
        assert_eq!(come_back(&server, &query, &cookie).await.status, 302);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_at_the_centre_is_told_to_the_sellers_page() {
    let (server, centre, _folder) = start(login()).await;
    for (query, error, asked) in [
        ("error=access_denied", "access_denied", 0),
        ("error=%3Cscript%3E", "server_error", 0),
        ("", "server_error", 0),
        ("code=used", "access_denied", 1),
        ("code=nobody", "access_denied", 2),
        ("code=garbage", "server_error", 1),
        ("code=elsewhere", "server_error", 1),
        ("code=endless", "temporarily_unavailable", 1),
        ("code=slow", "temporarily_unavailable", 1),
    ] {
        let (sent, cookie) =
            depart(&server, "?return_to=https%3A%2F%2Fother.example.com%2F%3Fa%3Db").await;
        let query = format!("{query}&state={}", sent["state"]);
        let answer = come_back(&server, &query, &cookie).await;
        assert_eq!(answer.status, 302, "{answer:?}");
        let expected = format!("{OTHER}&error={error}");
        assert_eq!(answer.header("location"), Some(&*expected), "{query}");
        assert_eq!(centre.asked().len(), asked, "{query}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_asked_only_where_it_is_allowed() {
    let (server, centre, _folder) =
        start(Login { private_centres: Vec::new(), pkce: false, ..login() }).await;
    let (sent, cookie) = depart(&server, "").await;
    assert!(!sent.contains_key("code_challenge"));
    let answer = come_back(&server, &format!("code=good&state={}", sent["state"]), &cookie).await;
    let expected = format!("{SHOP}?error=temporarily_unavailable");
    assert_eq!(answer.header("location"), Some(&*expected));
    assert!(centre.asked().is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_known_pages_and_applications_are_served() {
    let (server, centre, _folder) = start(login()).await;
    for page in ["https://evil.example.com/", "https://shop.example.com/in/x", "//evil", ""] {
        for path in ["a1", "a1/logout"] {
            let answer = server.get(&format!("/v1/login/{path}?return_to={page}")).await;
            assert_eq!((answer.status, answer.problem().as_str()), (400, "REQUEST_INVALID"));
        }
    }
    let long = server.get(&format!("/v1/login/a1?state={}", "x".repeat(257))).await;
    assert_eq!(long.status, 400);
    for path in ["a2", "a1?tenant=t2", "a1?instance=i-2", "a2/logout"] {
        assert_eq!(server.get(&format!("/v1/login/{path}")).await.status, 404, "{path}");
    }
    let answer = server.get("/v1/login/a1/logout").await;
    assert_eq!(answer.status, 302);
    let (page, sent) = members(answer.header("location").unwrap());
    assert_eq!(page, format!("{}/api/v1/oauth2/logout", centre.base()));
    assert_eq!((&*sent["client_id"], &*sent["redirect_url"]), ("c1", SHOP));

    // Another tenant with an application of the same id.
    for (interface, mut body) in
        [("tenantSync", kit::tenant()), ("applicationSync", kit::application())]
    {
        body["tenantId"] = json!("t2");
        if interface == "tenantSync" {
            body["tenantCode"] = json!("code2");
        }
        assert_eq!(kit::v2(&server, interface, &body).await["resultCode"], "000000");
    }
    let answer = server.get("/v1/login/a1").await;
    assert_eq!((answer.status, answer.problem().as_str()), (409, "CONFLICT"));
    for tenant in ["t2", "code2"] {
        let answer = server.get(&format!("/v1/login/a1?tenant={tenant}")).await;
        assert!(answer.header("location").unwrap().starts_with("https://sso.example.com/"));
    }
    server.stop().await;

    let server = Server::start().await;
    for path in ["/v1/login/a1", "/v1/login/callback?code=c&state=s"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    let answer = redeem(&server, "code").await;
    assert_eq!(answer.json()["code"], Value::from("NOT_FOUND"));
    server.stop().await;
}
