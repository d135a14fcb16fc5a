//! `licctl market serve` as a seller's server meets it.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime};

use koogallery::aksk::{Credentials, Payload, Request, authorize};
use koogallery::order;
use koogallery::upload::{self, Content};
use serde_json::Value;

use crate::{json, licctl, run};

struct Marketplace {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Marketplace {
    fn start(more: &[&str]) -> Self {
        let start = ["market", "serve", "--json", "--listen", "127.0.0.1:0", "--ak", "AK1"];
        let mut child = licctl(&[&start, more].concat())
            .env("LICCTL_SK", "SK1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = json(&lines.next().unwrap().unwrap());
        assert_eq!(ready["event"], "ready");
        let address = ready["address"].as_str().unwrap().trim_start_matches("http://").to_owned();
        Self { child, lines, address }
    }

    fn ask(&self, method: &str, target: &str, kind: &str, body: &[u8], sk: &str) -> (u16, Vec<u8>) {
        self.try_ask(method, target, kind, body, sk).unwrap()
    }

    fn try_ask(
        &self,
        method: &str,
        target: &str,
        kind: &str,
        body: &[u8],
        sk: &str,
    ) -> Result<(u16, Vec<u8>), ureq::Error> {
        let headers = [("Content-Type", kind)];
        let request = Request {
            method,
            target,
            host: &self.address,
            headers: &headers,
            payload: Payload::Bytes(body),
        };
        let mut builder = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{target}", self.address))
            .header("Content-Type", kind);
        for (name, value) in authorize(&Credentials::new("AK1", sk), &request, now()) {
            builder = builder.header(name, value);
        }
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        let agent: ureq::Agent =
            config.timeout_global(Some(Duration::from_secs(20))).build().into();
        let mut answer = if method == "GET" {
            agent.run(builder.body(()).unwrap())?
        } else {
            agent.run(builder.body(body.to_vec()).unwrap())?
        };
        Ok((answer.status().as_u16(), answer.body_mut().read_to_vec()?))
    }

    fn upload(&self, event: &str, content: &Content) -> (u16, Vec<u8>) {
        let (kind, body) = upload::multipart(content, &upload::boundary(content));
        self.ask("POST", &upload::path(event), &kind, &body, "SK1")
    }

    fn next(&mut self) -> Value {
        json(&self.lines.next().unwrap().unwrap())
    }

    /// Stops it as a service manager does; gives the last line and the exit code.
    fn stop(mut self) -> (Value, Option<i32>) {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let last = self.lines.by_ref().last().unwrap().unwrap();
        (json(&last), self.child.wait().unwrap().code())
    }
}

#[expect(clippy::disallowed_methods, reason = "the seller has its own clock")]
fn now() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

#[test]
fn orders_are_answered_and_uploads_told() {
    let folder = tempfile::tempdir().unwrap();
    let orders = folder.path().join("orders.json");
    std::fs::write(&orders, "[]").unwrap();
    let uploads = folder.path().join("uploads");
    let paths = [orders.to_str().unwrap(), uploads.to_str().unwrap()];
    let mut marketplace = Marketplace::start(&["--orders", paths[0], "--uploads-dir", paths[1]]);

    let target = order::query_path("MOCKONETIMENEW", None);
    let (status, body) = marketplace.ask("GET", &target, "application/json", b"", "SK1");
    assert_eq!(order::read_answer(status, &body).unwrap().order_id, "MOCKONETIMENEW");
    assert_eq!(marketplace.next()["known"], true);

    let target = order::query_path("CS1", Some("CS1-000001"));
    let (status, body) = marketplace.ask("GET", &target, "application/json", b"", "SK1");
    assert_eq!(order::read_answer(status, &body).unwrap_err().code, "MKT.0101");
    assert_eq!(marketplace.next()["known"], false);
    std::fs::write(
        &orders,
        r#"{"orderId":"CS1","orderType":"NEW","createTime":"20270101000000","orderLine":[
            {"orderLineId":"CS1-000001","chargingMode":"ONE_TIME","productInfo":[]}]}"#,
    )
    .unwrap();
    let (status, body) = marketplace.ask("GET", &target, "application/json", b"", "SK1");
    assert_eq!(order::read_answer(status, &body).unwrap().lines.len(), 1);
    assert_eq!(marketplace.next()["known"], true);

    let (status, body) = marketplace.ask("GET", &target, "application/json", b"", "SK2");
    assert_eq!(status, 401);
    assert_eq!(order::read_answer(status, &body).unwrap_err().code, "MKT.0154");
    let refused = marketplace.next();
    assert_eq!((&refused["event"], &refused["code"]), (&"refused".into(), &"MKT.0154".into()));

    let text = Content::Characters("eyJhbGciOiJFZERTQSJ9.e30.c2ln".to_owned());
    for verdict in ["first", "repeat"] {
        let (status, body) = marketplace.upload("EV-1", &text);
        assert_eq!(upload::read_answer(status, &body), Ok(()));
        let told = marketplace.next();
        assert_eq!((&told["event"], &told["verdict"]), (&"upload".into(), &verdict.into()));
        assert_eq!(told["sha256"], text.sha256());
    }
    let kept = std::fs::read_to_string(uploads.join("EV-1.txt")).unwrap();
    assert_eq!(kept, "eyJhbGciOiJFZERTQSJ9.e30.c2ln");
    let (_, received) = marketplace.ask("GET", "/uploads", "text/plain", b"", "SK1");
    assert_eq!(json(std::str::from_utf8(&received).unwrap()).as_array().unwrap().len(), 2);

    let (last, code) = marketplace.stop();
    assert_eq!((&last["event"], &last["violations"]), (&"stopped".into(), &0.into()));
    assert_eq!((last["uploads"].as_u64(), last["events"].as_u64()), (Some(2), Some(1)));
    assert_eq!(code, Some(0));
}

#[test]
fn two_licenses_for_one_event_are_a_violation() {
    let marketplace = Marketplace::start(&[]);
    for name in ["one", "two"] {
        let file = Content::File { name: "a.lic".to_owned(), bytes: name.into() };
        assert_eq!(marketplace.upload("EV-1", &file).0, 200);
    }
    let (last, code) = marketplace.stop();
    assert_eq!((&last["violations"], code), (&1.into(), Some(1)));
}

#[test]
fn it_serves_this_machine_alone() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8480"] {
        let (code, out, err) =
            run(&["market", "serve", "--listen", listen, "--ak", "a", "--sk", "b"]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{listen}");
        assert!(err.contains("is not on loopback"), "{err}");
    }
}

#[test]
fn a_port_in_use_is_said() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = holder.local_addr().unwrap().to_string();
    let (code, _, err) = run(&["market", "serve", "--listen", &listen, "--ak", "a", "--sk", "b"]);
    assert_eq!(code, Some(2));
    assert!(err.contains(&listen) && err.contains("choose another --listen"), "{err}");
}

#[test]
fn orders_that_are_none_stop_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let orders = folder.path().join("orders.json");
    std::fs::write(&orders, r#"[{"orderId":"CS1"}]"#).unwrap();
    let orders = orders.to_str().unwrap();
    let (code, _, err) = run(&["market", "serve", "--ak", "a", "--sk", "b", "--orders", orders]);
    assert_eq!(code, Some(2));
    assert!(err.contains("order 1 (CS1) has no orderLine"), "{err}");
}

#[test]
fn faults_come_on_demand() {
    let fail = "upload:500x1,upload:closex1,upload:garbagex1,order:429x1";
    let mut marketplace = Marketplace::start(&["--fail", fail]);
    let text = Content::Characters("eyJ".to_owned());
    let (status, body) = marketplace.upload("EV-1", &text);
    let failure = upload::read_answer(status, &body).unwrap_err();
    assert_eq!((status, failure.code.as_str()), (500, "CBC.0999"));
    let fault = marketplace.next();
    assert_eq!((&fault["event"], &fault["fault"]), (&"fault".into(), &"500".into()));

    // The license arrives, and the seller learns nothing of it.
    let (kind, body) = upload::multipart(&text, &upload::boundary(&text));
    let lost = marketplace.try_ask("POST", &upload::path("EV-1"), &kind, &body, "SK1");
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(marketplace.next()["fault"], "close");
    assert_eq!(marketplace.next()["verdict"], "first");
    let (status, body) = marketplace.upload("EV-1", &text);
    assert_eq!(upload::read_answer(status, &body).unwrap_err().code, "ANSWER_INVALID");
    assert_eq!(marketplace.next()["fault"], "garbage");
    assert_eq!(marketplace.next()["verdict"], "repeat");
    assert_eq!(marketplace.upload("EV-1", &text).0, 200);
    assert_eq!(marketplace.next()["verdict"], "repeat");

    let target = order::query_path("MOCKONETIMENEW", None);
    let (status, _) = marketplace.ask("GET", &target, "application/json", b"", "SK1");
    assert_eq!(status, 429);
    assert_eq!(marketplace.ask("GET", &target, "application/json", b"", "SK1").0, 200);
    let (summary, code) = marketplace.stop();
    assert_eq!((&summary["faults"], code), (&4.into(), Some(0)));
}

#[test]
fn unknown_faults_name_the_nearest() {
    let serve = ["market", "serve", "--ak", "a", "--sk", "b", "--fail", "uplaod:500"];
    let (code, out, err) = run(&serve);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("did you mean `upload`"), "{err}");
}
