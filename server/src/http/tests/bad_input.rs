//! Requests that are too large, too slow, malformed, or sent to a wrong path.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::{exchange, request, send};
use super::{Answer, Server};
use crate::store::Role;

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[tokio::test]
async fn bodies_over_the_limit_are_refused_before_they_are_read() {
    let server = Server::start().await;
    for (path, limit) in [("/koogallery", 64 * 1024), ("/v1/client/licenses", 16 * 1024)] {
        let fits = send(server.public, "POST", path, &[JSON], &vec![b' '; limit]).await;
        assert_ne!(fits.status, 413, "{path}");
        let over = send(server.public, "POST", path, &[JSON], &vec![b' '; limit + 1]).await;
        assert_eq!((over.status, over.problem().as_str()), (413, "PAYLOAD_TOO_LARGE"), "{path}");

        // Not one byte of a body that only says it is too long.
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n\
             Content-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n"
        );
        let stream = TcpStream::connect(server.public).await.unwrap();
        let announced = Answer::parse(&exchange(stream, head.as_bytes()).await).unwrap();
        assert_eq!(announced.status, 413, "{path}");

        // A body without an announced length is counted while it comes.
        let chunk = format!("{:x}\r\n{}\r\n", 8192, "x".repeat(8192));
        let chunked = format!("{}0\r\n\r\n", chunk.repeat(limit / 8192 + 1));
        let headers = [JSON, ("Transfer-Encoding", "chunked")];
        let over = send(server.public, "POST", path, &headers, chunked.as_bytes()).await;
        assert_eq!(over.status, 413, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_marketplace_is_answered_in_its_own_form() {
    let server = Server::start().await;
    for body in [
        &b"{}"[..],
        b"",
        b"[1]",
        b"not json",
        b"\xff\xfe",
        br#"{"activity":"newInstance","activity":"newInstance"}"#,
        br#"{"activity":"newInstance"}"#,
        br#"{"activity":"noSuchActivity"}"#,
    ] {
        let path = "/koogallery?signature=x&timestamp=1795132800000&nonce=n";
        let answer = send(server.public, "POST", path, &[JSON], body).await;
        assert_eq!(answer.status, 200, "{body:?}");
        assert!(answer.header("content-type").unwrap().starts_with("application/json"));
        let code = answer.json()["resultCode"].as_str().unwrap().to_owned();
        assert!(code == "000001" || code == "000002", "{body:?}: {code}");
    }
    for method in ["HEAD", "PUT", "DELETE"] {
        let answer = send(server.public, method, "/koogallery", &[], b"").await;
        assert_eq!(answer.status, 405, "{method}");
        let allowed = answer.header("allow").unwrap();
        assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
        if method != "HEAD" {
            answer.problem();
        }
    }
    let query = send(server.public, "GET", "/koogallery?activity=x", &[], b"").await;
    assert_eq!((query.status, &query.json()["resultCode"]), (200, &json!("000002")));
    let signature = query.header("body-sign").unwrap();
    assert!(signature.starts_with("sign_type=\"HMAC-SHA256\", signature=\""), "{signature}");
    assert_eq!(send(server.public, "POST", "/koogallery/", &[], b"").await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn wrong_paths_and_methods_are_problems() {
    let server = Server::start().await;
    let long = format!("/{}", "x".repeat(4000));
    for path in ["/", "/v1/client", "/v1/client/licenses/1", "/../etc/passwd", "/%00", &long] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (404, "NOT_FOUND"), "{path}");
        assert!(answer.body.len() < 600, "{path}");
    }
    for (method, path) in
        [("GET", "/v1/client/licenses"), ("POST", "/healthz"), ("PATCH", "/v1/client/releases")]
    {
        let answer = send(server.public, method, path, &[], b"").await;
        assert_eq!(answer.status, 405, "{method} {path}");
        assert!(answer.header("allow").is_some());
        answer.problem();
    }
    server.stop().await;
}

#[tokio::test]
async fn client_requests_that_cannot_be_read_are_problems() {
    let server = Server::start().await;
    let path = "/v1/client/licenses";
    for (headers, body, status) in [
        (&[][..], &b"{}"[..], 415),
        (&[("Content-Type", "text/plain")], b"{}", 415),
        (&[JSON], b"", 400),
        (&[JSON], b"{", 400),
        (&[JSON], b"[]", 400),
        (&[JSON], b"{}", 400),
        (&[JSON], b"{\"product\": 7}", 400),
        (&[JSON], b"\xff", 400),
        (&[JSON], br#"{"product":"p","product":"p","activation_code":"c","nonce":"n"}"#, 400),
        (&[JSON], br#"{"product":"p","activation_code":"c","nonce":"n"} {}"#, 400),
        (&[JSON], br#"{"product":"p","activation_code":"c","nonce":"n","form":"disk"}"#, 400),
    ] {
        let answer = send(server.public, "POST", path, headers, body).await;
        let shown = String::from_utf8_lossy(body);
        assert_eq!((answer.status, &*answer.problem()), (status, "REQUEST_INVALID"), "{shown}");
    }
    let query = server.get("/v1/client/releases").await;
    assert_eq!((query.status, &*query.problem()), (400, "REQUEST_INVALID"));
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_activation_code_is_a_403() {
    let server = Server::start().await;
    let body = json!({
        "product": "flowsim", "activation_code": "00000-00000-00000-00000-0",
        "dev_info": "00:1b:44:11:3a:b7|S4EVNX0M123456|BOARD-77|BFEBFBFF000906EA", "nonce": "n-1",
    });
    let body = serde_json::to_vec(&body).unwrap();
    let answer = send(server.public, "POST", "/v1/client/licenses", &[JSON], &body).await;
    assert_eq!((answer.status, &*answer.problem()), (403, "ACTIVATION_CODE_UNKNOWN"));
    server.stop().await;
}

/// Twenty wrong codes an hour are one address's share.
#[tokio::test]
async fn limits_count_clients_behind_trusted_proxies_and_nobody_else() {
    let body = json!({
        "product": "flowsim", "activation_code": "00000-00000-00000-00000-0",
        "dev_info": "00:1b:44:11:3a:b7|S4EVNX0M123456|BOARD-77|BFEBFBFF000906EA", "nonce": "n-1",
    });
    let body = serde_json::to_vec(&body).unwrap();
    for trusted in [true, false] {
        let server = Server::start_with(|config| {
            if trusted {
                config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
            }
        })
        .await;
        let ask = |client: String| {
            let (address, body) = (server.public, body.clone());
            async move {
                let headers = [JSON, ("X-Forwarded-For", &*client)];
                send(address, "POST", "/v1/client/licenses", &headers, &body).await
            }
        };
        for n in 0..20 {
            // Whom nobody trusts may claim another address each time.
            let claimed = if trusted { 7 } else { n };
            let answer = ask(format!("198.51.100.{claimed}")).await;
            assert_eq!(answer.status, 403, "{trusted} {n}");
        }
        let answer = ask("198.51.100.7".to_owned()).await;
        assert_eq!((answer.status, &*answer.problem()), (429, "RATE_LIMITED"), "{trusted}");
        assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
        let other = ask("198.51.100.8".to_owned()).await;
        assert_eq!(other.status, if trusted { 403 } else { 429 }, "{trusted}");
        server.stop().await;
    }
}

#[tokio::test]
async fn slow_clients_lose_their_place() {
    let server = Server::start().await;
    let started = Instant::now();

    // A header that never ends.
    let mut slow_header = TcpStream::connect(server.public).await.unwrap();
    slow_header.write_all(b"POST /koogallery HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut silent = TcpStream::connect(server.public).await.unwrap();
    // A body that comes byte by byte.
    let mut slow_body = TcpStream::connect(server.public).await.unwrap();
    slow_body
        .write_all(
            b"POST /v1/client/licenses HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\
              Content-Type: application/json\r\n\r\n",
        )
        .await
        .unwrap();
    let mut slow_market = TcpStream::connect(server.public).await.unwrap();
    slow_market
        .write_all(b"POST /koogallery HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        .await
        .unwrap();
    let (mut reader, mut writer) = slow_body.into_split();
    let drip = tokio::spawn(async move {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });

    let mut ignored = Vec::new();
    let _ = slow_header.read_to_end(&mut ignored).await;
    let _ = silent.read_to_end(&mut ignored).await;
    let mut answer = vec![0; 4096];
    let length = reader.read(&mut answer).await.unwrap();
    assert_eq!(Answer::parse(&answer[..length]).unwrap().status, 408);
    let length = slow_market.read(&mut answer).await.unwrap();
    let market = Answer::parse(&answer[..length]).unwrap();
    assert_eq!((market.status, &market.json()["resultCode"]), (200, &json!("000002")));
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    drip.abort();
    server.stop().await;
}

#[tokio::test]
async fn headers_have_a_limit() {
    let server = Server::start().await;
    let huge = "x".repeat(64 * 1024);
    let stream = TcpStream::connect(server.public).await.unwrap();
    let bytes = exchange(stream, &request("GET", "/healthz", &[("X-Huge", &huge)], b"")).await;
    let answer = Answer::parse(&bytes);
    assert!(answer.is_none_or(|answer| answer.status == 431));

    let many: Vec<(String, String)> =
        (0..200).map(|n| (format!("X-{n}"), "1".to_owned())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let stream = TcpStream::connect(server.public).await.unwrap();
    let bytes = exchange(stream, &request("GET", "/healthz", &many, b"")).await;
    assert!(Answer::parse(&bytes).is_none_or(|answer| answer.status == 431));
    assert_eq!(server.get("/healthz").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = Server::start().await;
    let token = server.token(Role::Viewer).await;
    for answer in [
        server.get("/healthz").await,
        server.get("/nothing").await,
        send(server.public, "POST", "/koogallery", &[], b"{}").await,
        server.admin("GET", "/api/v1/products", &token, &json!(null)).await,
        server.admin("GET", "/api/v1/products", "wrong", &json!(null)).await,
    ] {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("content-security-policy").unwrap().contains("'none'"));
        assert_eq!(answer.header("strict-transport-security"), None);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_in_flight_is_finished_when_the_server_stops() {
    let server = Server::start().await;
    let address = server.public;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let bytes = request("POST", "/koogallery", &[JSON], b"{}");
    let (head, rest) = bytes.split_at(bytes.len() - 1);
    stream.write_all(head).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).await.is_err(), "still taking new connections");
    let answer = exchange(stream, rest).await;
    assert_eq!(Answer::parse(&answer).unwrap().status, 200);
    tokio::time::timeout(Duration::from_secs(5), stopping).await.unwrap().unwrap();
}

/// PostgreSQL keeps no text with a NUL, and SQLite does: nobody may send one.
#[tokio::test]
async fn the_character_nul_is_refused_wherever_it_stands() {
    let server = Server::start().await;
    let list = "/v1/client/releases?product=a%00b&platform=x&channel=stable";
    let answer = send(server.public, "GET", list, &[], b"").await;
    assert_eq!((answer.status, answer.problem().as_str()), (400, "REQUEST_INVALID"));
    let body = br#"{"product":"a\u0000","activation_code":"x","dev_info":"y","form":"string"}"#;
    let answer = send(server.public, "POST", "/v1/client/licenses", &[JSON], body).await;
    assert_eq!((answer.status, answer.problem().as_str()), (400, "REQUEST_INVALID"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("NUL"));
    server.stop().await;
}
