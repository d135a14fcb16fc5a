//! Changes and signs a list of releases with a key that the server does not have.

use license_core::api::{ReleaseInput, ReleasePublish};
use license_core::issue::{KeyFile, Signer, next_seq, seal};
use license_core::jws::DocType;
use license_core::key::KeyId;
use license_core::release::{Notes, Release, ReleaseList};
use license_core::time::{DAY, Timestamp};
use license_core::trust::KeyRing;
use license_core::version::Version;
use license_core::{Code, Lang, Refusal};

use crate::admin::{Admin, escape};
use crate::failure::Failure;
use crate::keyfile;

/// How a list is signed.
pub(super) struct SigningTerms {
    pub(super) now: Timestamp,
    pub(super) valid_days: u32,
    /// Whether a list that another key signed is taken over.
    pub(super) adopt: bool,
    /// Whether the first list of a single platform begins as the one for every platform is.
    pub(super) carry: bool,
}

/// Which list.
#[derive(Clone, Copy)]
pub(super) struct ReleaseListId<'a> {
    pub(super) product: &'a str,
    pub(super) channel: &'a str,
    pub(super) platform: &'a str,
}

/// The list in force with its releases changed, signed.
pub(super) fn sign(
    admin: &Admin,
    key: &KeyFile,
    target: ReleaseListId<'_>,
    terms: &SigningTerms,
    lang: Lang,
    change: impl FnOnce(&mut Vec<Release>) -> anyhow::Result<()>,
) -> anyhow::Result<ReleasePublish> {
    let path = format!(
        "/api/v1/releases/signed?product={}&channel={}&platform={}",
        escape(target.product),
        escape(target.channel),
        escape(target.platform)
    );
    let previous = match admin.find_text(&path)? {
        Some(document) => Some(open(document.trim(), key, admin, terms, lang)?),
        None => None,
    };
    // Where a platform has no list of its own the server answers with the one for every platform.
    let previous = previous.filter(|list| terms.carry || list.platform == target.platform);
    let list = following(previous, key, target, terms, change)?;
    let document = seal(DocType::Release, &list, &key.key)?;
    Ok(ReleasePublish::Signed { document, key: keyfile::trusted(key).to_jwk() })
}

/// Opens the list in force. It is trusted when this key signed it, another key's only with `--adopt`:
/// otherwise an attacker on the server could have his releases signed.
fn open(
    document: &str,
    key: &KeyFile,
    admin: &Admin,
    terms: &SigningTerms,
    lang: Lang,
) -> anyhow::Result<ReleaseList> {
    let ours = KeyRing::new(vec![keyfile::trusted(key)])?;
    match ReleaseList::open(document, &ours, terms.now) {
        Ok((list, _)) => return Ok(list),
        Err(Refusal::KeyUnknown(_)) if terms.adopt => {}
        Err(Refusal::KeyUnknown(kid)) => return Err(signed_by_another(kid, lang).into()),
        Err(refusal) => {
            return Err(Failure::refused(refusal.code(), refusal.message(lang)).into());
        }
    }
    let theirs = KeyRing::from_jwks(&admin.get::<serde_json::Value>("/api/v1/keys")?.to_string())?;
    ReleaseList::open(document, &theirs, terms.now)
        .map(|(list, _)| list)
        .map_err(|refusal| Failure::refused(refusal.code(), refusal.message(lang)).into())
}

fn signed_by_another(kid: KeyId, lang: Lang) -> Failure {
    let (message, next) = match lang {
        Lang::En => (
            format!("another key, {kid}, signed the list in force"),
            "look at its releases with `licctl release list`, then give --adopt to sign them with \
             this key",
        ),
        Lang::Zh => (
            format!("当前列表由另一密钥 {kid} 签名"),
            "请先用 licctl release list 核对其中的版本,再加 --adopt 用此密钥重新签名",
        ),
    };
    Failure::refused(Code::KeyUnknown, message).advise(next)
}

/// The list after `previous`.
fn following(
    previous: Option<ReleaseList>,
    key: &KeyFile,
    target: ReleaseListId<'_>,
    terms: &SigningTerms,
    change: impl FnOnce(&mut Vec<Release>) -> anyhow::Result<()>,
) -> anyhow::Result<ReleaseList> {
    let (seq, min, mut releases) = match previous {
        Some(list) => (Some(list.seq), list.min, list.releases),
        None => (None, None, Vec::new()),
    };
    change(&mut releases)?;
    releases.sort_by(|a, b| b.version.cmp(&a.version));
    Ok(ReleaseList {
        issuer: key.issuer.clone().unwrap_or_else(|| key.key.kid().to_string()),
        issued_at: terms.now,
        product: target.product.to_owned(),
        channel: target.channel.to_owned(),
        platform: target.platform.to_owned(),
        seq: next_seq(seq, terms.now),
        expires: terms.now.plus(i64::from(terms.valid_days) * DAY),
        min,
        releases,
    })
}

/// One release more.
pub(super) fn add(
    releases: &mut Vec<Release>,
    release: &ReleaseInput,
    lang: Lang,
) -> anyhow::Result<()> {
    let same = releases.iter().find(|known| known.version == release.version);
    if same.is_some_and(|known| known.sha256 != release.sha256) {
        let message = match lang {
            Lang::En => format!("{} was published with another package", release.version),
            Lang::Zh => format!("{} 已发布过不同的软件包", release.version),
        };
        let next = match lang {
            Lang::En => "what was published stays as it is: give the new package a new version",
            Lang::Zh => "已发布的内容不可更改:请为新软件包使用新版本号",
        };
        return Err(Failure::refused(Code::Conflict, message).advise(next).into());
    }
    releases.retain(|known| known.version != release.version);
    releases.push(Release {
        version: release.version.clone(),
        date: release.date,
        url: release.url.clone(),
        len: release.len,
        sha256: release.sha256.clone(),
        obliges: release.obliges.clone(),
        due: release.due,
        notes: Notes { zh: release.notes_zh.clone(), en: release.notes_en.clone() },
    });
    Ok(())
}

/// One release less.
pub(super) fn remove(
    releases: &mut Vec<Release>,
    version: &Version,
    lang: Lang,
) -> anyhow::Result<()> {
    let before = releases.len();
    releases.retain(|known| known.version != *version);
    if releases.len() < before {
        return Ok(());
    }
    let message = match lang {
        Lang::En => format!("the list in force has no release {version}"),
        Lang::Zh => format!("当前列表中没有版本 {version}"),
    };
    let next = match lang {
        Lang::En => "look at `licctl release list`: platform and channel name the list",
        Lang::Zh => "请用 licctl release list 核对:平台与渠道决定所用列表",
    };
    Err(Failure::refused(Code::NotFound, message).advise(next).into())
}

#[cfg(test)]
mod tests {
    use license_core::issue::SigningKey;

    use super::*;

    const TERMS: SigningTerms = SigningTerms {
        now: Timestamp::from_secs(1_790_000_000),
        valid_days: 365,
        adopt: false,
        carry: true,
    };

    fn key() -> KeyFile {
        KeyFile {
            key: SigningKey::ed25519_from_seed([3; 32]),
            purposes: vec![DocType::Release],
            issuer: Some("FlowSim Ltd".to_owned()),
        }
    }

    fn release(version: &str, sha256: &str) -> ReleaseInput {
        ReleaseInput {
            product: "flowsim".to_owned(),
            channel: "stable".to_owned(),
            platform: "*".to_owned(),
            version: version.parse().unwrap(),
            date: Timestamp::from_secs(1_789_900_000),
            url: "https://dl.example.com/p".to_owned(),
            len: 3,
            sha256: sha256.to_owned(),
            obliges: Some("*".parse().unwrap()),
            due: None,
            notes_zh: "新".to_owned(),
            notes_en: String::new(),
        }
    }

    const TARGET: ReleaseListId<'_> =
        ReleaseListId { product: "flowsim", channel: "stable", platform: "*" };

    fn extend(
        previous: Option<ReleaseList>,
        key: &KeyFile,
        release: &ReleaseInput,
        lang: Lang,
    ) -> anyhow::Result<ReleaseList> {
        following(previous, key, TARGET, &TERMS, |releases| add(releases, release, lang))
    }

    fn versions(list: &ReleaseList) -> Vec<String> {
        list.releases.iter().map(|one| one.version.to_string()).collect()
    }

    #[test]
    fn a_list_grows_and_its_sequence_rises() {
        let key = key();
        let first = extend(None, &key, &release("2.0.0", "aa"), Lang::En).unwrap();
        assert_eq!(first.seq, 1_790_000_000);
        let second = extend(Some(first.clone()), &key, &release("2.1.0", "bb"), Lang::En).unwrap();
        assert_eq!(
            (second.seq, versions(&second)),
            (1_790_000_001, vec!["2.1.0".into(), "2.0.0".into()])
        );

        let again = extend(Some(second), &key, &release("2.1.0", "bb"), Lang::En).unwrap();
        assert_eq!(again.releases.len(), 2);

        let document = seal(DocType::Release, &first, &key.key).unwrap();
        let ring = KeyRing::new(vec![keyfile::trusted(&key)]).unwrap();
        let (read, kid) = ReleaseList::open(&document, &ring, TERMS.now).unwrap();
        assert_eq!((read, kid), (first, key.key.kid()));
    }

    #[test]
    fn what_was_published_stays_as_it_is() {
        let key = key();
        let list = extend(None, &key, &release("2.0.0", "aa"), Lang::En).unwrap();
        let error = extend(Some(list), &key, &release("2.0.0", "bb"), Lang::Zh).unwrap_err();
        let failure = error.downcast::<Failure>().unwrap();
        assert_eq!((failure.code, failure.exit), (Code::Conflict, 1));
    }

    #[test]
    fn a_release_is_taken_back_and_the_sequence_rises_still() {
        let key = key();
        let first = extend(None, &key, &release("2.0.0", "aa"), Lang::En).unwrap();
        let both = extend(Some(first), &key, &release("2.1.0", "bb"), Lang::En).unwrap();
        let less = |list: ReleaseList, version: &str| {
            let version = version.parse().unwrap();
            following(Some(list), &key, TARGET, &TERMS, |list| remove(list, &version, Lang::Zh))
        };
        let one = less(both, "2.1.0").unwrap();
        assert_eq!((one.seq, versions(&one)), (1_790_000_002, vec!["2.0.0".into()]));
        let error = less(one.clone(), "2.1.0").unwrap_err().downcast::<Failure>().unwrap();
        assert_eq!((error.code, error.exit), (Code::NotFound, 1));
        let none = less(one, "2.0.0").unwrap();
        let document = seal(DocType::Release, &none, &key.key).unwrap();
        let ring = KeyRing::new(vec![keyfile::trusted(&key)]).unwrap();
        assert_eq!(ReleaseList::open(&document, &ring, TERMS.now).unwrap().0.releases, []);
    }
}
