//! Roots, the trust lists they sign, and that nothing else introduces a key.

use license_core::{
    Code, Timestamp,
    armor::{self, Label},
    issue::{self, SigningKey},
    jws::DocType,
    revocation::RevocationStatus,
    time::DAY,
    trust::{KeyState, TrustedKey},
};
use serde_json::json;

use super::world::*;
use crate::Config;

fn root() -> SigningKey {
    key(40)
}

fn list(root: &SigningKey, seq: u64, keys: &[TrustedKey], roots: Option<&[TrustedKey]>) -> String {
    let jwks = |keys: &[TrustedKey]| keys.iter().map(TrustedKey::to_jwk).collect::<Vec<_>>();
    let mut payload = json!({
        "iss": "seller", "iat": NOW.plus(-DAY), "seq": seq, "exp": NOW.plus(90 * DAY),
        "keys": jwks(keys),
    });
    if let Some(roots) = roots {
        payload["roots"] = json!(jwks(roots));
    }
    issue::seal(DocType::Trust, &payload, root).unwrap()
}

fn keys() -> Vec<TrustedKey> {
    vec![trusted(&issuing(), &ISSUED), trusted(&releasing(), &[DocType::Release])]
}

fn rooted(world: &World, server: bool) -> Config {
    let trust = jwks(vec![trusted(&root(), &[DocType::Trust])]);
    let config = if server { world.config() } else { world.offline() };
    Config { trust, ..config }
}

#[test]
fn keys_come_from_the_servers_trust_list_and_stay() {
    let world = World::new();
    let document = sealed(&license(DEVICE, |_| {}));
    world.server.script(move |path, body| {
        Some(match path {
            "/v1/client/trust" => ok(list(&root(), 1, &keys(), None)),
            "/v1/client/licenses" => licensed(body, &document),
            _ => refused(404, Code::NotFound),
        })
    });
    let online = world.start(rooted(&world, true));
    assert_eq!(online.code(), "OK");
    online.end();
    let offline = world.start(rooted(&world, false));
    assert_eq!(offline.code(), "OK");
    offline.end();
}

#[test]
fn without_a_trust_list_nothing_is_believed() {
    let world = World::new();
    world.keep(&license(DEVICE, |_| {}));
    let offline = world.start(rooted(&world, false));
    assert_eq!(offline.code(), "KEY_UNKNOWN");
    // An air-gapped site gets the list in the file.
    let file = armor::block(Label::TrustList, &list(&root(), 1, &keys(), None))
        + &armor::block(Label::License, &sealed(&license(DEVICE, |_| {})));
    let outcome = offline.sdk.open_license(&[&file]);
    assert!(outcome.is_ok(), "{outcome}");
    assert_eq!(offline.code(), "OK");
    offline.end();
}

#[test]
fn neither_a_state_file_nor_a_server_introduces_a_key() {
    let world = World::new();
    let forged = list(&key(41), 9, &keys(), None);
    world.keep(&license(DEVICE, |_| {}));
    world.write("trust.jws", &forged);
    let offline = world.start(rooted(&world, false));
    assert_eq!(offline.code(), "KEY_UNKNOWN");
    offline.end();
    assert!(world.read("trust.jws.corrupt").is_some());

    world.server.script(move |path, body| {
        Some(match path {
            "/v1/client/trust" => ok(forged.clone()),
            "/v1/client/licenses" => licensed(body, &sealed(&license(DEVICE, |_| {}))),
            _ => refused(404, Code::NotFound),
        })
    });
    let online = world.start(rooted(&world, true));
    assert_ne!(online.code(), "OK");
    online.end();
    assert_eq!(world.read("trust.jws"), None);

    // With issuing keys as anchors a trust list means nothing at all.
    let file =
        armor::block(Label::TrustList, &list(&key(41), 9, &[trusted(&key(9), &ISSUED)], None));
    let stranger = license(DEVICE, |_| {});
    let signed = issue::seal(DocType::License, &stranger, &key(9)).unwrap();
    let offline = world.start(world.offline());
    let outcome = offline.sdk.open_license(&[&(file + &armor::block(Label::License, &signed))]);
    assert_eq!(outcome.code(), Code::KeyUnknown);
    offline.end();
}

#[test]
fn a_new_root_is_introduced_by_the_old_one_and_the_way_is_kept() {
    let world = World::new();
    let (second, first) = (key(42), root());
    let both = [trusted(&first, &[DocType::Trust]), trusted(&second, &[DocType::Trust])];
    let introduction = list(&first, 1, &[], None);
    assert!(introduction.len() > 10);
    let chain = armor::block(Label::TrustList, &list(&first, 1, &keys(), Some(&both)))
        + &armor::block(Label::TrustList, &list(&second, 2, &keys(), Some(&both[1..])))
        + &armor::block(Label::License, &sealed(&license(DEVICE, |_| {})));
    let offline = world.start(rooted(&world, false));
    assert!(offline.sdk.open_license(&[&chain]).is_ok());
    offline.end();
    // The old root signs nothing any more, also after a new start.
    let offline = world.start(rooted(&world, false));
    assert_eq!(offline.code(), "OK");
    assert_eq!(world.read("trust.jws").unwrap().lines().count(), 2);
    offline.end();
}

#[test]
fn an_older_list_does_not_bring_a_revoked_key_back() {
    let world = World::new();
    let mut revoked = keys();
    revoked[0].state = KeyState::Revoked(Vec::new());
    let text = |list: &str| {
        armor::block(Label::TrustList, list)
            + &armor::block(Label::License, &sealed(&license(DEVICE, |_| {})))
    };
    let offline = world.start(rooted(&world, false));
    assert!(offline.sdk.open_license(&[&text(&list(&root(), 5, &keys(), None))]).is_ok());
    let newer = text(&list(&root(), 6, &revoked, None));
    assert_eq!(offline.sdk.open_license(&[&newer]).code(), Code::KeyNotAllowed);
    let older = text(&list(&root(), 5, &keys(), None));
    assert_eq!(offline.sdk.open_license(&[&older]).code(), Code::KeyNotAllowed);
    assert_eq!(offline.code(), "KEY_NOT_ALLOWED");
    offline.end();
}

#[test]
fn a_stolen_key_does_not_lock_out_its_successor() {
    let world = World::new();
    let successor = key(50);
    let stolen = |seq: u64| {
        let payload = license_core::revocation::payload(
            "licd",
            seq,
            NOW,
            Timestamp::from_secs(1 << 52),
            &[("lic-1".to_owned(), RevocationStatus::Revoked)],
        );
        issue::seal(DocType::Revocation, &payload, &issuing()).unwrap()
    };
    let reissued = issue::seal(
        DocType::License,
        &license(DEVICE, |license| license.id = "lic-1".to_owned()),
        &successor,
    )
    .unwrap();
    let offline = world.start(rooted(&world, false));
    let before = armor::block(Label::TrustList, &list(&root(), 1, &keys(), None))
        + &armor::block(Label::RevocationList, &stolen((1 << 53) - 1))
        + &armor::block(Label::License, &sealed(&license(DEVICE, |_| {})));
    assert_eq!(offline.sdk.open_license(&[&before]).code(), Code::LicenseRevoked);

    let mut after = keys();
    after[0].state = KeyState::Revoked(Vec::new());
    after.push(trusted(&successor, &ISSUED));
    let genuine = license_core::revocation::payload("licd", 100, NOW, NOW.plus(DAY), &[]);
    let genuine = issue::seal(DocType::Revocation, &genuine, &successor).unwrap();
    let after = armor::block(Label::TrustList, &list(&root(), 2, &after, None))
        + &armor::block(Label::RevocationList, &genuine)
        + &armor::block(Label::License, &reissued);
    let outcome = offline.sdk.open_license(&[&after]);
    assert!(outcome.is_ok(), "{outcome}");
    offline.end();
}
