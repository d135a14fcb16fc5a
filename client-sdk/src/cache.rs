//! Verified cache in memory and in the state folder: the license, the signed lists, the clock floor.
//! A document is verified first and written afterwards; one in the folder that fails is set aside.

mod floor;

use std::{collections::BTreeMap, path::Path};

use license_core::{
    Refusal, Timestamp,
    armor::{self, Block, Label},
    clock::{ClockState, ClockStatus},
    jws::DocType,
    key::KeyId,
    license::License,
    release::ReleaseList,
    revocation::Revocations,
    trust::{KeyRing, KeyState},
    verify::{self, Verified, VerifyContext, Warning},
};
use serde::{Deserialize, Serialize};

use crate::{
    config::Settings, error::SdkError, platform::Platform, state_dir::StateDir,
    trust_anchors::TrustAnchors,
};

const LICENSE: &str = "license.lic";
const TRUST: &str = "trust.jws";
const REVOCATIONS: &str = "revocations.jws";
const RELEASES: &str = "releases.jws";
const NUMBERS: &str = "numbers.json";

/// Sequence numbers and dates beside the lists.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
struct SequenceNumbers {
    /// The highest sequence number seen, by kind of list and key.
    seq: BTreeMap<String, u64>,
    /// When the release list was fetched.
    releases_at: Option<Timestamp>,
}

/// The cached documents and the keys that verify them.
pub(crate) struct VerifiedCache {
    folder: StateDir,
    floor_folder: StateDir,
    floor_name: String,
    anchors: TrustAnchors,
    trust: Vec<String>,
    list: Option<KeyRing>,
    ring: KeyRing,
    revocations: Option<(String, Revocations)>,
    releases: Option<(ReleaseList, KeyId, String)>,
    license: Option<String>,
    numbers: SequenceNumbers,
    clock: ClockState,
    clock_written: ClockState,
    looked_at: i64,
    /// Set once something could not be written.
    pub(crate) unwritable: Option<String>,
    /// What was bought, by the last genuine license that was judged: one that is refused still
    /// tells which releases were paid for.
    pub(crate) bought: Option<License>,
}

/// Which list a sequence number belongs to.
#[derive(Clone, Copy)]
enum List<'a> {
    Trust,
    Revocations,
    /// Each channel and platform is counted for itself.
    Releases(&'a ReleaseList),
}

impl List<'_> {
    fn name(self, kid: KeyId) -> String {
        match self {
            Self::Trust => format!("trust:{kid}"),
            Self::Revocations => format!("revocation:{kid}"),
            Self::Releases(list) => format!("release:{kid}:{}:{}", list.channel, list.platform),
        }
    }
}

impl VerifiedCache {
    /// Reads what was kept, believing none of it unverified.
    pub(crate) fn load(settings: &Settings, platform: &Platform) -> Self {
        let now = (platform.now)();
        let anchors = settings.anchors.clone();
        let folder = StateDir::new(settings.state_dir.clone());
        let floor_folder = StateDir::new(platform.floor_home.clone());
        let floor_name = format!("{}.clock", &anchors.digest()[..16]);
        let mut cache = Self {
            ring: anchors.ring(None),
            trust: Vec::new(),
            list: None,
            revocations: None,
            releases: None,
            license: None,
            numbers: SequenceNumbers::default(),
            clock: ClockState::default(),
            clock_written: ClockState::default(),
            looked_at: (platform.running)(),
            unwritable: None,
            bought: None,
            folder,
            floor_folder,
            floor_name,
            anchors,
        };
        cache.load_numbers();
        cache.load_clock();
        cache.load_trust(now);
        cache.load_lists(now);
        cache
    }

    fn load_numbers(&mut self) {
        if let Some(text) = self.folder.read(NUMBERS) {
            match serde_json::from_str(&text) {
                Ok(numbers) => self.numbers = numbers,
                Err(_) => self.folder.set_aside(NUMBERS),
            }
        }
    }

    fn load_trust(&mut self, now: Timestamp) {
        let Some(text) = self.folder.read(TRUST) else { return };
        for document in text.lines() {
            match self.anchors.open_list(document, self.list.as_ref(), now) {
                Some(ring) => {
                    self.list = Some(ring);
                    self.trust.push(document.to_owned());
                }
                None => return self.folder.set_aside(TRUST),
            }
        }
        self.ring = self.anchors.ring(self.list.as_ref());
    }

    fn load_lists(&mut self, now: Timestamp) {
        if let Some(text) = self.folder.read(REVOCATIONS) {
            match Revocations::open(text.trim(), &self.ring, now) {
                Ok(list) => self.revocations = Some((text.trim().to_owned(), list)),
                Err(_) => self.folder.set_aside(REVOCATIONS),
            }
        }
        if let Some(text) = self.folder.read(RELEASES) {
            match ReleaseList::open(text.trim(), &self.ring, now) {
                Ok((list, kid)) => self.releases = Some((list, kid, text.trim().to_owned())),
                Err(_) => self.folder.set_aside(RELEASES),
            }
        }
    }

    /// The keys to verify with.
    pub(crate) const fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// Whether a trust list is needed before anything can be verified.
    pub(crate) const fn lacks_trust_list(&self) -> bool {
        self.anchors.rooted() && self.list.is_none()
    }

    /// Whether trust lists mean anything to this program.
    pub(crate) const fn rooted(&self) -> bool {
        self.anchors.rooted()
    }

    /// The revocation list in force.
    pub(crate) fn revocation_document(&self) -> Option<&str> {
        self.revocations.as_ref().map(|(document, _)| document.as_str())
    }

    /// The release list in force and when it was fetched.
    pub(crate) fn releases(&self) -> Option<(&ReleaseList, Option<Timestamp>)> {
        self.releases.as_ref().map(|(list, ..)| (list, self.numbers.releases_at))
    }

    /// A list is taken when it is not older than what its own key signed before, nor than the
    /// list in force. The number of a key that lost its trust is forgotten, so that a stolen key
    /// cannot lock out its successor.
    fn admits(&self, list: List<'_>, kid: KeyId, seq: u64, current: Option<(KeyId, u64)>) -> bool {
        self.numbers.seq.get(&list.name(kid)).is_none_or(|highest| seq >= *highest)
            && current.is_none_or(|(_, highest)| seq >= highest)
    }

    fn note(&mut self, name: String, seq: u64) {
        self.numbers.seq.insert(name, seq);
        self.write_numbers();
    }

    fn write_numbers(&mut self) {
        let text = serde_json::to_string(&self.numbers).unwrap_or_default();
        self.write(NUMBERS, text.as_bytes());
    }

    fn write(&mut self, name: &str, bytes: &[u8]) {
        if let Err(error) = self.folder.write(name, bytes) {
            let place = self.folder.path(name).map_or(String::new(), |p| p.display().to_string());
            self.unwritable = Some(format!("STATE_UNWRITABLE: {place}: {error}"));
        }
    }

    /// Takes a newer trust list.
    ///
    /// # Errors
    /// [`Refusal::KeyUnknown`] and its kin if no root signed it; nothing changes then.
    pub(crate) fn take_trust(&mut self, document: &str, now: Timestamp) -> Result<(), Refusal> {
        if !self.anchors.rooted() {
            return Ok(());
        }
        let ring = self
            .anchors
            .open_list(document, self.list.as_ref(), now)
            .ok_or(Refusal::SignatureInvalid)?;
        let Some(facts) = ring.list() else { return Ok(()) };
        let current = self.list.as_ref().and_then(KeyRing::list).map(|list| (list.kid, list.seq));
        if !self.admits(List::Trust, facts.kid, facts.seq, current) {
            return Ok(());
        }
        if self.trust.last().map(String::as_str) == Some(document) {
            return Ok(());
        }
        // The lists that introduced today's roots are kept: they are the way from the anchors.
        if self.anchors.open_list(document, None, now).is_some() {
            self.trust.clear();
        }
        self.trust.push(document.to_owned());
        self.list = Some(ring);
        self.ring = self.anchors.ring(self.list.as_ref());
        let chain = self.trust.join("\n");
        self.write(TRUST, chain.as_bytes());
        self.forget_lost_keys(now);
        self.note(List::Trust.name(facts.kid), facts.seq);
        Ok(())
    }

    /// Lists and numbers of keys that are no longer trusted do not count any more.
    fn forget_lost_keys(&mut self, now: Timestamp) {
        let ring = &self.ring;
        let roots = ring.roots();
        self.numbers.seq.retain(|name, _| {
            let trusted = ring
                .keys()
                .iter()
                .chain(roots)
                .find(|trusted| name.split(':').nth(1) == Some(trusted.key.kid().as_str()));
            trusted.is_some_and(|trusted| !matches!(trusted.state, KeyState::Revoked(_)))
        });
        self.revocations =
            self.revocations.take().filter(|(text, _)| Revocations::open(text, ring, now).is_ok());
        self.releases =
            self.releases.take().filter(|(_, _, text)| ReleaseList::open(text, ring, now).is_ok());
    }

    /// Takes a newer revocation list.
    ///
    /// # Errors
    /// Why it cannot be believed; nothing changes then.
    pub(crate) fn take_revocations(
        &mut self,
        document: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let list = Revocations::open(document, &self.ring, now)?;
        let current = self.revocations.as_ref().map(|(_, list)| (list.kid, list.seq));
        if !self.admits(List::Revocations, list.kid, list.seq, current) {
            return Ok(());
        }
        let (kid, seq) = (list.kid, list.seq);
        self.revocations = Some((document.to_owned(), list));
        self.write(REVOCATIONS, document.as_bytes());
        self.note(List::Revocations.name(kid), seq);
        Ok(())
    }

    /// Takes a release list, if it speaks of this program and is not older than what is known.
    ///
    /// # Errors
    /// Why it cannot be believed; nothing changes then.
    pub(crate) fn take_releases(
        &mut self,
        document: &str,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let (list, kid) = ReleaseList::open(document, &self.ring, now)?;
        if !list.is_for(&settings.product, &settings.channel, &settings.platform) {
            return Ok(false);
        }
        let current = self
            .releases
            .as_ref()
            .filter(|(old, ..)| old.channel == list.channel && old.platform == list.platform)
            .map(|(old, kid, _)| (*kid, old.seq));
        if !self.admits(List::Releases(&list), kid, list.seq, current) {
            return Ok(false);
        }
        let (name, seq) = (List::Releases(&list).name(kid), list.seq);
        self.releases = Some((list, kid, document.to_owned()));
        self.numbers.releases_at = Some(now);
        self.write(RELEASES, document.as_bytes());
        self.note(name, seq);
        Ok(true)
    }

    /// Takes the lists that travel in a file beside a license.
    pub(crate) fn take_blocks(&mut self, blocks: &[Block], settings: &Settings, now: Timestamp) {
        // Keys first: they decide about the others. A list that is refused is no reason to refuse
        // the license beside it.
        for block in blocks.iter().filter(|block| block.label == Label::TrustList) {
            let _ = self.take_trust(&block.document, now);
        }
        for block in blocks {
            let _ = match block.label {
                Label::RevocationList => self.take_revocations(&block.document, now).err(),
                Label::Releases => self.take_releases(&block.document, settings, now).err(),
                _ => None,
            };
        }
    }

    /// The text of the license that is kept.
    pub(crate) fn license(&self) -> Option<String> {
        // Another process, or a person, may have put a newer one into the folder.
        self.folder.read(LICENSE).or_else(|| self.license.clone())
    }

    /// Keeps a license that was verified, in its file form.
    pub(crate) fn keep_license(&mut self, text: &str, verified: &Verified) {
        let text = if text.contains("-----BEGIN ") {
            text.to_owned()
        } else {
            armor::license_file(&verified.document, &verified.claims)
        };
        self.write(LICENSE, text.as_bytes());
        self.license = Some(text);
    }

    /// A kept license that nothing can be read from must not be tried for ever.
    pub(crate) fn set_license_aside(&self) {
        self.folder.set_aside(LICENSE);
    }

    /// Where the license file lies, if there is a folder.
    pub(crate) fn license_path(&self, name: &str) -> Option<std::path::PathBuf> {
        self.folder.path(if name.is_empty() { LICENSE } else { name })
    }

    /// Whether a file in the folder is the SDK's own and no place for a license.
    pub(crate) fn is_reserved(name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let named = |suffix: &str| Path::new(&name).extension().is_some_and(|e| e == suffix);
        name == NUMBERS || name == floor::FLOOR || named("jws") || named("toml")
    }

    /// The folder of downloaded packages.
    pub(crate) fn updates(&self, name: &str) -> Option<std::path::PathBuf> {
        self.folder.path("updates").map(|folder| folder.join(name))
    }

    /// Verifies a license with everything that is known.
    ///
    /// # Errors
    /// The first check that fails.
    pub(crate) fn judge(
        &mut self,
        text: &[u8],
        device: Option<&str>,
        settings: &Settings,
        platform: &Platform,
    ) -> Result<Verified, SdkError> {
        let floor = match self.look(platform, None, None) {
            ClockStatus::RolledBack { floor } => Some(floor),
            ClockStatus::Right | ClockStatus::Warned { .. } => None,
        };
        let lists: Vec<_> = self.revocations.iter().map(|(_, list)| list.clone()).collect();
        let now = (platform.now)();
        let question = VerifyContext {
            now,
            product: Some(&settings.product),
            version: settings.version.as_ref(),
            release_date: settings.release_date,
            device,
            revocations: &lists,
            floor,
        };
        let judged = verify::license(text, &self.ring, &question);
        match &judged {
            Ok(verified) => self.bought = Some(verified.claims.clone()),
            Err(_) => self.bought = self.genuine(text, settings, now).or(self.bought.take()),
        }
        let mut verified = judged?;
        match self.look(platform, Some(verified.claims.issued_at), None) {
            ClockStatus::Right => {}
            ClockStatus::Warned { .. } => verified.warnings.push(Warning::ClockBehind),
            ClockStatus::RolledBack { floor } => {
                return Err(Refusal::ClockRolledBack { floor, now }.into());
            }
        }
        Ok(verified)
    }

    /// What a license of this product says, however it is refused: its signature is all that
    /// counts here.
    fn genuine(&self, text: &[u8], settings: &Settings, now: Timestamp) -> Option<License> {
        let blocks = armor::read(text).ok()?;
        blocks.iter().filter(|block| block.label == Label::License).find_map(|block| {
            let opened = self.ring.open(DocType::License, &block.document, now).ok()?;
            let claims = License::from_payload(&opened.payload).ok()?;
            (claims.product == settings.product).then_some(claims)
        })
    }
}
