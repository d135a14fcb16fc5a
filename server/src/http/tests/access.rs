//! Every route of the admin listener, with every role, with a wrong token and with none.

use serde_json::{Value, json};

use super::client::send;
use super::{Answer, Server};
use crate::http::admin::{Access, routes};
use crate::store::Role;

const ROLES: [Role; 3] = [Role::Viewer, Role::Operator, Role::Admin];

fn path(template: &str) -> String {
    template.replace("{id}", "nothing-is-called-this")
}

fn was_let_in(answer: &Answer) -> bool {
    answer.status != 401 && answer.status != 403
}

#[tokio::test]
async fn every_route_asks_for_its_role() {
    let server = Server::start().await;
    let mut tokens = Vec::new();
    for role in ROLES {
        tokens.push((role, server.token(role).await));
    }
    for route in routes() {
        let (method, path) = (route.method.as_str(), path(route.path));
        let name = format!("{method} {path}");
        let wrong = format!("Bearer licd_{}", "A".repeat(43));
        for headers in [
            &[][..],
            &[("Authorization", &*wrong)],
            &[("Authorization", "Bearer ")],
            &[("Authorization", "Bearer licd_")],
            &[("Authorization", "Basic YWRtaW46YWRtaW4=")],
            &[("Authorization", &*tokens[2].1)],
        ] {
            let answer = send(server.admin, method, &path, headers, b"").await;
            if route.access == Access::Open {
                assert!(was_let_in(&answer), "{name} {headers:?}");
            } else {
                assert_eq!(answer.status, 401, "{name} {headers:?}");
                assert_eq!(answer.problem(), "UNAUTHORIZED");
                assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
            }
        }
        for (role, token) in &tokens {
            let answer = server.admin(method, &path, token, &Value::Null).await;
            match route.access {
                Access::From(least) if *role < least => {
                    assert_eq!(answer.status, 403, "{name} as {}", role.as_str());
                    assert_eq!(answer.problem(), "FORBIDDEN");
                }
                _ => assert!(was_let_in(&answer), "{name} as {}: {answer:?}", role.as_str()),
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn other_methods_open_no_door() {
    let server = Server::start().await;
    for route in routes().filter(|route| route.access != Access::Open) {
        let path = path(route.path);
        let head = send(server.admin, "HEAD", &path, &[], b"").await;
        assert!(matches!(head.status, 401 | 405), "HEAD {path}: {}", head.status);
        for method in ["PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let answer = send(server.admin, method, &path, &[], b"").await;
            assert_eq!(answer.status, 405, "{method} {path}");
            answer.problem();
        }
    }
    server.stop().await;
}

/// Loosening a route must be meant: it shows here.
#[test]
fn the_table_is_as_strict_as_it_was_decided() {
    let open: Vec<&str> = routes().filter(|r| r.access == Access::Open).map(|r| r.path).collect();
    assert_eq!(open, ["/openapi.json", "/metrics"]);
    for route in routes().filter(|route| route.method != "GET") {
        assert!(
            matches!(route.access, Access::From(role) if role >= Role::Operator),
            "{} {} changes something",
            route.method,
            route.path
        );
    }
    let of_admins: Vec<(&str, &str)> = routes()
        .filter(|route| route.access == Access::From(Role::Admin))
        .map(|route| (route.method.as_str(), route.path))
        .collect();
    assert_eq!(
        of_admins,
        [
            ("POST", "/api/v1/releases"),
            ("POST", "/api/v1/releases/withdraw"),
            ("GET", "/api/v1/tokens"),
            ("POST", "/api/v1/tokens")
        ]
    );
}

#[tokio::test]
async fn nothing_of_the_admin_listener_is_on_the_public_one() {
    let server = Server::start().await;
    let token = server.token(Role::Admin).await;
    let authorization = format!("Bearer {token}");
    for route in routes() {
        let headers = [("Authorization", &*authorization)];
        let path = path(route.path);
        let answer = send(server.public, route.method.as_str(), &path, &headers, b"").await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let answer = server.admin("POST", "/koogallery", &token, &json!({})).await;
    assert_eq!(answer.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn viewers_see_no_activation_code() {
    let server = Server::start().await;
    let id = server.instance().await;
    for (role, sees) in [(Role::Viewer, false), (Role::Operator, true), (Role::Admin, true)] {
        let token = server.token(role).await;
        let list = server.admin("GET", "/api/v1/instances", &token, &Value::Null).await.json();
        let path = format!("/api/v1/instances/{id}");
        let one = server.admin("GET", &path, &token, &Value::Null).await.json();
        assert_eq!(list[0]["instance_id"], *id);
        for shown in [&list[0]["activation_code"], &one["activation_code"]] {
            assert_eq!(!shown.as_str().unwrap().is_empty(), sees, "{}: {shown}", role.as_str());
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_made_token_works_at_once_and_is_shown_once() {
    let server = Server::start().await;
    let admin = server.token(Role::Admin).await;
    let wanted = json!({ "name": "nightly report", "role": "viewer" });
    let answer = server.admin("POST", "/api/v1/tokens", &admin, &wanted).await;
    assert_eq!(answer.status, 201);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("licd_") && token.len() > 40);

    let answer = server.admin("GET", "/api/v1/products", &token, &Value::Null).await;
    assert_eq!((answer.status, answer.json()), (200, json!([])));
    let list = server.admin("GET", "/api/v1/tokens", &admin, &Value::Null).await;
    let text = String::from_utf8(list.body).unwrap();
    assert!(text.contains("nightly report") && !text.contains(&token), "{text}");

    let wanted = json!({ "name": "x", "role": "root" });
    let answer = server.admin("POST", "/api/v1/tokens", &admin, &wanted).await;
    assert_eq!((answer.status, answer.problem().as_str()), (400, "REQUEST_INVALID"));
    server.stop().await;
}

#[tokio::test]
async fn the_audit_names_the_token_and_never_its_holder() {
    let server = Server::start().await;
    let admin = server.token(Role::Admin).await;
    let wanted = json!({ "name": "nightly report", "role": "viewer" });
    assert_eq!(server.admin("POST", "/api/v1/tokens", &admin, &wanted).await.status, 201);
    let tokens = server.admin("GET", "/api/v1/tokens", &admin, &Value::Null).await.json();
    let id = |name: &str| {
        let found = tokens.as_array().unwrap().iter().find(|token| token["name"] == name);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let answer = server.admin("GET", "/api/v1/audit?limit=1000", &admin, &Value::Null).await;
    let text = String::from_utf8(answer.body.clone()).unwrap();
    let links = answer.json();
    let last = &links.as_array().unwrap().last().unwrap()["entries"][0];
    assert_eq!(last["action"], "token.create");
    assert_eq!(last["by"], format!("token:{}", id("admin")));
    assert_eq!(last["token"], id("nightly report"));
    assert!(!text.contains("nightly") && !text.contains("licd_"), "{text}");
    for query in ["limit=0", "after=x", "since=soon", "nothing=1"] {
        let path = format!("/api/v1/audit?{query}");
        let answer = server.admin("GET", &path, &admin, &Value::Null).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "REQUEST_INVALID"), "{query}");
    }
    server.stop().await;
}
