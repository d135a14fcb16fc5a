//! Chains that are whole, and every way to break one.

use super::*;
use crate::audit::Entry;

/// Links `from..=to` of a chain that began at 1.
fn chain(server: &str, from: u64, to: u64) -> Vec<Link> {
    let mut previous = LinkHash::NONE;
    let mut links = Vec::new();
    for seq in 1..=to {
        let entry = Entry::from([("action".to_owned(), format!("test.{seq}"))]);
        let at = Timestamp::from_secs(1000 + i64::try_from(seq).unwrap());
        let mut link = Link {
            server: server.to_owned(),
            seq,
            at,
            entries: vec![entry],
            previous,
            hash: LinkHash::NONE,
        };
        link.hash = link.expected();
        previous = link.hash;
        links.push(link);
    }
    links.retain(|link| link.seq >= from);
    links
}

fn audit(links: &[Link], anchors: &[Anchor]) -> Report {
    let mut auditor = Auditor::new(anchors.to_vec());
    for link in links {
        auditor.take(link);
    }
    auditor.finish().unwrap()
}

fn faults(links: &[Link], anchors: &[Anchor]) -> Vec<(u64, Fault)> {
    audit(links, anchors).breaks.into_iter().map(|b| (b.seq, b.fault)).collect()
}

fn anchor(link: &Link) -> Anchor {
    Anchor { server: None, seq: link.seq, hash: link.hash }
}

#[test]
fn whole_chains_are_whole_mixed_and_swept_ones_too() {
    let (a, b) = (chain("a", 1, 5), chain("b", 4, 9));
    let mixed: Vec<Link> = a.iter().zip(&b).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    let report = audit(&mixed, &[]);
    assert_eq!(report.breaks, []);
    let [first, second] = &report.chains[..] else { panic!("{report:?}") };
    assert_eq!((first.first, first.last, first.links, first.entries), (1, 5, 5, 5));
    assert_eq!((first.before, first.hash), (LinkHash::NONE, a[4].hash));
    // The hash before the oldest one is what an earlier verification ended with.
    assert_eq!((second.first, second.before), (4, chain("b", 1, 3)[2].hash));
}

#[test]
fn the_first_broken_link_is_named() {
    let whole = chain("a", 1, 6);
    let mut changed = whole.clone();
    changed[2].entries[0].insert("outcome".to_owned(), "other".to_owned());
    assert_eq!(faults(&changed, &[]), [(3, Fault::Changed)]);
    changed[2].hash = changed[2].expected();
    assert_eq!(faults(&changed, &[]), [(4, Fault::Unlinked)]);

    let mut without = whole.clone();
    without.drain(2..4);
    assert_eq!(faults(&without, &[]), [(5, Fault::Missing { from: 3, to: 4 })]);

    let mut twice = whole.clone();
    twice.insert(3, whole[2].clone());
    assert_eq!(faults(&twice, &[]), [(3, Fault::Repeated)]);

    let mut renumbered = whole.clone();
    renumbered[0].seq = 0;
    assert_eq!(faults(&renumbered[..1], &[]), [(0, Fault::Changed), (0, Fault::Unlinked)]);
    let mut begun = chain("a", 2, 2);
    begun[0].seq = 1;
    begun[0].hash = begun[0].expected();
    assert_eq!(faults(&begun, &[]), [(1, Fault::Unlinked)]);
}

#[test]
fn what_was_seen_before_must_still_be_there() {
    let whole = chain("a", 1, 6);
    for seen in &whole {
        assert_eq!(faults(&whole, &[anchor(seen)]), []);
        assert_eq!(faults(&chain("a", 4, 6), &[anchor(seen)]).is_empty(), seen.seq >= 3);
    }
    let swept = chain("a", 5, 6);
    let missing = Fault::Missing { from: 3, to: 4 };
    assert_eq!(faults(&swept, &[anchor(&whole[1])]), [(2, missing)]);
    assert_eq!(faults(&whole[..3], &[anchor(&whole[4])]), [(5, Fault::CutShort)]);
    // Made anew from link 3 on: whole in itself, and not what was seen.
    let other = Anchor { hash: LinkHash::from([7; 32]), ..anchor(&whole[3]) };
    assert_eq!(faults(&whole, std::slice::from_ref(&other)), [(4, Fault::Replaced)]);
    assert_eq!(faults(&swept, &[other]), [(4, Fault::Replaced)]);
    let gone = Anchor { server: Some("b".to_owned()), ..anchor(&whole[3]) };
    assert_eq!(faults(&whole, &[gone]), [(4, Fault::CutShort)]);
}

#[test]
fn an_anchor_without_a_server_needs_one_chain() {
    let (a, b) = (chain("a", 1, 3), chain("b", 1, 3));
    let both: Vec<Link> = a.iter().chain(&b).cloned().collect();
    let mut auditor = Auditor::new(vec![anchor(&a[1])]);
    for link in &both {
        auditor.take(link);
    }
    assert_eq!(auditor.finish(), Err(InvalidAnchor));
    let named = format!("a:2:{}", a[1].hash).parse::<Anchor>().unwrap();
    assert_eq!(faults(&both, &[named]), []);
    let short = format!("2:{}", a[1].hash).parse::<Anchor>().unwrap();
    assert_eq!(short, anchor(&a[1]));
    for text in ["", "2", "x:2:", "2:zz", ":"] {
        assert!(text.parse::<Anchor>().is_err(), "{text}");
    }
}
