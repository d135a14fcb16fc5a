//! Signed lists, public keys, health, metrics and the description of the API.

use serde_json::{Value, json};

use super::Server;
use super::client::send;
use crate::store::Role;

#[tokio::test]
async fn revocations_are_a_document_with_an_etag() {
    let server = Server::start().await;
    let answer = server.get("/v1/client/revocations").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/jose"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    let document = String::from_utf8(answer.body.clone()).unwrap();
    assert_eq!(document.split('.').count(), 3, "{document}");

    let etag = answer.header("etag").unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    for known in [etag.clone(), format!("\"other\", {etag}"), format!("W/{etag}"), "*".to_owned()] {
        let headers = [("If-None-Match", &*known)];
        let again = send(server.public, "GET", "/v1/client/revocations", &headers, b"").await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("etag"), Some(&*etag));
    }
    let headers = [("If-None-Match", "\"other\"")];
    let again = send(server.public, "GET", "/v1/client/revocations", &headers, b"").await;
    assert_eq!(again.body, answer.body);
    server.stop().await;
}

#[tokio::test]
async fn there_is_no_trust_list_without_a_root_and_no_release_list_without_a_release() {
    let server = Server::start().await;
    for path in ["/v1/client/trust", "/v1/client/releases?product=flowsim&platform=linux-x86_64"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.problem();
    }
    server.stop().await;
}

#[tokio::test]
async fn public_keys_are_public_and_nothing_else_of_them() {
    let server = Server::start().await;
    let answer = server.get("/.well-known/jwks.json").await;
    assert_eq!(answer.status, 200);
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2);
    for key in &keys {
        assert!(key.get("d").is_none(), "{key}");
        for member in ["kty", "alg", "kid", "lic_typ"] {
            assert!(key.get(member).is_some(), "{member}: {key}");
        }
    }
    let token = server.token(Role::Viewer).await;
    let shown = server.admin("GET", "/api/v1/keys", &token, &Value::Null).await;
    assert_eq!(shown.json(), answer.json());
    server.stop().await;
}

#[tokio::test]
async fn alive_and_ready() {
    let server = Server::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "status": "ok" })), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn metrics_count_routes_and_never_paths() {
    let server = Server::start().await;
    server.get("/a-path-of-my-own-choice").await;
    server.get("/healthz").await;
    let answer = send(server.admin, "GET", "/metrics", &[], b"").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let text = String::from_utf8(answer.body).unwrap();
    assert!(
        text.contains(r#"licd_http_requests_total{route="/healthz",method="GET",status="200"}"#)
    );
    assert!(text.contains(r#"route="unknown""#));
    assert!(text.contains(r#"licd_http_request_seconds_bucket{route="/healthz",le="0.1"}"#));
    assert!(!text.contains("my-own-choice"));
    server.stop().await;
}

#[tokio::test]
async fn products_are_applied_shown_and_paged() {
    let server = Server::start().await;
    let token = server.token(Role::Operator).await;
    let product =
        |id: &str| json!({ "id": id, "name": "流体仿真 𠮷", "license": { "kind": "unbound" } });
    for id in ["beta", "alpha", "gamma"] {
        let answer = server.admin("POST", "/api/v1/products", &token, &product(id)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let names = |list: Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect()
    };
    let list = server.admin("GET", "/api/v1/products", &token, &Value::Null).await.json();
    assert_eq!(list[0]["name"], "流体仿真 𠮷");
    assert_eq!(names(list), ["alpha", "beta", "gamma"]);
    let path = "/api/v1/products?after=alpha&limit=1";
    assert_eq!(names(server.admin("GET", path, &token, &Value::Null).await.json()), ["beta"]);

    let answer = server.admin("PUT", "/api/v1/products/beta", &token, &product("alpha")).await;
    assert_eq!((answer.status, &*answer.problem()), (400, "REQUEST_INVALID"));
    let wrong = json!({ "id": "x", "name": "X", "licence": {} });
    let answer = server.admin("POST", "/api/v1/products", &token, &wrong).await;
    assert_eq!((answer.status, &*answer.problem()), (400, "REQUEST_INVALID"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("licence"));
    let answer = server.admin("GET", "/api/v1/products/none", &token, &Value::Null).await;
    assert_eq!(answer.status, 404);
    answer.problem();
    server.stop().await;
}

#[tokio::test]
async fn the_api_describes_itself() {
    let server = Server::start().await;
    let answer = send(server.admin, "GET", "/openapi.json", &[], b"").await;
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/v1/instances/{id}"]["get"].is_object());
    server.stop().await;
}

/// What is shown has the members that the description promises.
#[tokio::test]
async fn instances_look_as_described() {
    let server = Server::start().await;
    server.instance().await;
    let token = server.token(Role::Viewer).await;
    let list = server.admin("GET", "/api/v1/instances", &token, &Value::Null).await.json();
    let document = send(server.admin, "GET", "/openapi.json", &[], b"").await.json();
    let schema = &document["components"]["schemas"]["InstanceView"];
    for (member, value) in list[0].as_object().unwrap() {
        assert!(schema["properties"].get(member).is_some(), "{member} is not described");
        assert!(value.is_null() || !member.is_empty());
    }
    for member in schema["required"].as_array().unwrap() {
        assert!(list[0].get(member.as_str().unwrap()).is_some(), "{member} is missing");
    }
    server.stop().await;
}
