//! `licctl audit` against a server, and on what it exported.

use std::fs;

use license_core::audit::{Entry, Link, LinkHash};
use license_core::time::Timestamp;
use serde_json::{Value, json};

use super::{Licd, Server, parsed, run};

fn chain(server: &str, last: u64) -> Vec<Link> {
    let mut previous = LinkHash::NONE;
    let mut links = Vec::new();
    for seq in 1..=last {
        let words = [("action", "token.create"), ("by", "server"), ("outcome", "done")];
        let mut entry: Entry = words.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        entry.insert("token".to_owned(), format!("t-{seq}"));
        let mut link = Link {
            server: server.to_owned(),
            seq,
            at: Timestamp::from_secs(1_795_132_800),
            entries: vec![entry],
            previous,
            hash: LinkHash::NONE,
        };
        link.hash = link.expected();
        previous = link.hash;
        links.push(link);
    }
    links
}

fn licd(links: &[Link]) -> Licd {
    let links = links.iter().map(|link| serde_json::to_value(link).unwrap()).collect();
    Licd::start(Server { links, ..Server::default() })
}

#[test]
fn chains_are_verified_against_the_server_and_from_a_file() {
    let links = [chain("a", 700), chain("b", 3)].concat();
    let licd = licd(&links);
    let (code, out, err) = licd.run(&["audit", "verify", "--json"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let report = parsed(&out);
    assert_eq!((&report["code"], &report["breaks"]), (&json!("OK"), &json!([])));
    assert_eq!(report["chains"][0]["links"], 700);
    assert_eq!(report["chains"][1]["last"], 3);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let name = file.to_str().unwrap();
    let (code, out, _) = licd.run(&["audit", "export", "--out", name]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("703"), "{out}");
    let (code, _, err) = licd.run(&["audit", "export", "--out", name]);
    assert_eq!(code, Some(2), "an export is not written over: {err}");

    // Without a server, and compared with what was seen before.
    let seen = format!("a:700:{}", links[699].hash);
    let (code, out, _) = run(&["audit", "verify", name, "--from", &seen]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains(&seen) && out.contains("whole"), "{out}");
    let (code, _, err) = run(&["audit", "verify", name, "--from", &seen[2..]]);
    assert_eq!(code, Some(2), "which of the two chains? {err}");
    let other = format!("a:699:{}", links[699].hash);
    let (code, out, _) = run(&["audit", "verify", name, "--from", &other]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("AUDIT_BROKEN") && out.contains("link 699 is not the one"), "{out}");

    let text = fs::read_to_string(&file).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    let broken = |given: &[&str], expected: &str| {
        fs::write(&file, given.join("\n")).unwrap();
        let (code, out, err) = run(&["audit", "verify", name]);
        assert_eq!(code, Some(1), "{out}{err}");
        assert!(format!("{out}{err}").contains(expected), "{expected}: {out}{err}");
    };
    let changed = rows[9].replace("t-10", "t-11");
    broken(&[&rows[..9], &[&*changed], &rows[10..]].concat(), "a: link 10 was changed");
    broken(&[&rows[..9], &rows[12..]].concat(), "a: links 10 to 12 are missing");
    broken(&[&rows[..9], &["{}"], &rows[10..]].concat(), "AUDIT_BROKEN");

    fs::write(&file, rows[5..700].join("\n")).unwrap();
    let (code, out, _) = run(&["audit", "verify", name, "--json"]);
    let swept = parsed(&out);
    assert_eq!(code, Some(0), "{out}");
    assert_eq!(swept["chains"][0]["first"], 6);
    assert_eq!(swept["chains"][0]["before"], Value::from(links[4].hash.to_string()));
}

#[test]
fn nothing_is_not_whole() {
    let (code, out, err) = licd(&[]).run(&["audit", "verify"]);
    assert_eq!(code, Some(1), "{out}{err}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    for text in ["", "\n\n"] {
        fs::write(&file, text).unwrap();
        let (code, out, err) = run(&["audit", "verify", file.to_str().unwrap()]);
        assert_eq!(code, Some(1), "{out}{err}");
        assert!(err.contains("AUDIT_BROKEN") && err.contains("no link"), "{err}");
    }
}

#[test]
fn people_see_what_was_done() {
    let licd = licd(&chain("a", 2));
    let (code, out, _) = licd.run(&["audit", "list"]);
    assert_eq!(code, Some(0));
    for text in ["token.create", "token t-2", "2026-11-20T00:00:00Z", "server", "done"] {
        assert!(out.contains(text), "{text}: {out}");
    }
    let (code, out, _) = licd.run(&["audit", "list", "--json", "--since", "2026-11-20"]);
    assert_eq!((code, parsed(&out).as_array().unwrap().len()), (Some(0), 2));
    let (code, _, _) = licd.run(&["audit", "list", "--since", "soon"]);
    assert_eq!(code, Some(2));
}
