//! Extends and signs a list of releases with a key that stays here.

use license_core::api::{ReleaseInput, ReleasePublish};
use license_core::code::Code;
use license_core::issue::{KeyFile, Signer, next_seq, seal};
use license_core::jws::DocType;
use license_core::key::KeyId;
use license_core::release::{Notes, Release, ReleaseList};
use license_core::time::{DAY, Timestamp};
use license_core::trust::KeyRing;
use license_core::{Lang, Refusal};

use crate::admin::{Admin, escape};
use crate::failure::Failure;
use crate::keyfile;

/// How a list is signed.
pub(super) struct Terms {
    pub(super) now: Timestamp,
    pub(super) valid_days: u32,
    /// Whether a list that another key signed is taken over.
    pub(super) adopt: bool,
}

/// The list in force with one release more, signed.
pub(super) fn publish(
    admin: &Admin,
    key: &KeyFile,
    release: &ReleaseInput,
    terms: &Terms,
    lang: Lang,
) -> anyhow::Result<ReleasePublish> {
    let path = format!(
        "/api/v1/releases/signed?product={}&channel={}&platform={}",
        escape(&release.product),
        escape(&release.channel),
        escape(&release.platform)
    );
    let previous = match admin.find_text(&path)? {
        Some(document) => Some(open(document.trim(), key, admin, terms, lang)?),
        None => None,
    };
    let list = extend(previous, key, release, terms, lang)?;
    let document = seal(DocType::Release, &list, &key.key)?;
    Ok(ReleasePublish::Signed { document, key: keyfile::trusted(key).to_jwk() })
}

/// A server that was broken into must not get its own releases signed: the list in force is
/// believed when this key signed it, and another one's only where that was asked for.
fn open(
    document: &str,
    key: &KeyFile,
    admin: &Admin,
    terms: &Terms,
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

fn extend(
    previous: Option<ReleaseList>,
    key: &KeyFile,
    release: &ReleaseInput,
    terms: &Terms,
    lang: Lang,
) -> anyhow::Result<ReleaseList> {
    let (seq, min, mut releases) = match previous {
        Some(list) => (Some(list.seq), list.min, list.releases),
        None => (None, None, Vec::new()),
    };
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
    releases.sort_by(|a, b| b.version.cmp(&a.version));
    Ok(ReleaseList {
        issuer: key.issuer.clone().unwrap_or_else(|| key.key.kid().to_string()),
        issued_at: terms.now,
        product: release.product.clone(),
        channel: release.channel.clone(),
        platform: release.platform.clone(),
        seq: next_seq(seq, terms.now),
        expires: terms.now.plus(i64::from(terms.valid_days) * DAY),
        min,
        releases,
    })
}

#[cfg(test)]
mod tests {
    use license_core::issue::SigningKey;

    use super::*;

    const TERMS: Terms =
        Terms { now: Timestamp::from_secs(1_790_000_000), valid_days: 365, adopt: false };

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

    #[test]
    fn a_list_grows_and_its_sequence_rises() {
        let key = key();
        let first = extend(None, &key, &release("2.0.0", "aa"), &TERMS, Lang::En).unwrap();
        assert_eq!(first.seq, 1_790_000_000);
        let second =
            extend(Some(first.clone()), &key, &release("2.1.0", "bb"), &TERMS, Lang::En).unwrap();
        let versions: Vec<_> = second.releases.iter().map(|one| one.version.to_string()).collect();
        assert_eq!((second.seq, versions), (1_790_000_001, vec!["2.1.0".into(), "2.0.0".into()]));

        let again = extend(Some(second), &key, &release("2.1.0", "bb"), &TERMS, Lang::En).unwrap();
        assert_eq!(again.releases.len(), 2);

        let document = seal(DocType::Release, &first, &key.key).unwrap();
        let ring = KeyRing::new(vec![keyfile::trusted(&key)]).unwrap();
        let (read, kid) = ReleaseList::open(&document, &ring, TERMS.now).unwrap();
        assert_eq!((read, kid), (first, key.key.kid()));
    }

    #[test]
    fn what_was_published_stays_as_it_is() {
        let key = key();
        let list = extend(None, &key, &release("2.0.0", "aa"), &TERMS, Lang::En).unwrap();
        let error =
            extend(Some(list), &key, &release("2.0.0", "bb"), &TERMS, Lang::Zh).unwrap_err();
        let failure = error.downcast::<Failure>().unwrap();
        assert_eq!((failure.code, failure.exit), (Code::Conflict, 1));
    }
}
