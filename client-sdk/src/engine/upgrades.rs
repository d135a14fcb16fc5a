//! Upgrade checks against the signed release list, fetched once a day.

use std::sync::Arc;

use license_core::{
    Code,
    license::License,
    release::{Release, Upgrade, UpgradeState},
    time::DAY,
};
use serde_json::{Map, Value};

use super::{Engine, locked};
use crate::{dispatcher::PendingRequest, error::SdkError, event::Event};

impl Engine {
    /// Answers from the day's list, or asks for it.
    pub(crate) fn check_versions(self: &Arc<Self>, pending: PendingRequest) {
        self.local.send(
            self,
            Box::new(move |engine| match engine.upgrade(true) {
                Some(upgrade) => engine.tell(pending, &upgrade),
                None => engine.network.send(
                    engine,
                    Box::new(move |engine| {
                        if pending.is_void() {
                            return;
                        }
                        match engine.fetch_releases() {
                            Ok(upgrade) => engine.tell(pending, &upgrade),
                            Err(failure) => pending.fail(&failure),
                        }
                    }),
                ),
            }),
        );
    }

    /// The decision by the list that is kept; nothing if it is not of today.
    fn upgrade(&self, of_today: bool) -> Option<Upgrade> {
        let license = self.bought();
        let now = (self.platform.now)();
        let cache = self.cache();
        let (list, fetched) = cache.releases()?;
        let fresh = fetched.is_some_and(|at| (at..at.plus(DAY)).contains(&now));
        // The channel may have changed since the list was kept.
        let settings = &self.settings;
        let ours = list.is_for(&settings.product, &settings.channel, &settings.platform);
        if !ours || now > list.expires || (of_today && !fresh) {
            return None;
        }
        let version = settings.version.as_ref()?;
        Some(list.decide(version, license.as_ref(), now))
    }

    /// What was bought: the license in force, else the last one that was refused. Without any
    /// nothing forbids a release.
    fn bought(&self) -> Option<License> {
        let in_force = self.license_in_force();
        in_force.map(|verified| verified.claims).or_else(|| self.cache().bought.clone())
    }

    fn fetch_releases(&self) -> Result<Upgrade, SdkError> {
        if !self.has_server() {
            return Err(SdkError::of(Code::ServerUnreachable));
        }
        let transport = self.transport()?;
        if self.cache().lacks_trust_list() {
            let document = transport.trust()?;
            self.cache().take_trust(&document, (self.platform.now)())?;
        }
        let Self { settings, .. } = self;
        let document =
            transport.releases(&settings.product, &settings.platform, &settings.channel)?;
        let now = (self.platform.now)();
        let mut taken = self.cache().take_releases(&document, settings, now);
        if taken.as_ref().is_err_and(|refusal| refusal.code() == Code::KeyUnknown)
            && self.cache().rooted()
        {
            let trust = transport.trust()?;
            self.cache().take_trust(&trust, now)?;
            taken = self.cache().take_releases(&document, settings, now);
        }
        // A list of something else, an older one or one past its time tells nothing of today.
        Ok(if taken? { self.upgrade(false).unwrap_or(Upgrade::UNKNOWN) } else { Upgrade::UNKNOWN })
    }

    fn tell(&self, pending: PendingRequest, upgrade: &Upgrade) {
        let license = self.bought();
        let covered =
            upgrade.release.as_ref().filter(|release| release.is_covered_by(license.as_ref()));
        *locked(&self.offered) = covered.cloned();
        let facts = upgrade.release.as_ref().map(facts).unwrap_or_default();
        let mut events =
            vec![Event::upgrade_notice(covered.is_some(), &state_word(upgrade.state), facts)];
        if upgrade.forced {
            events.push(Event::update_forced());
        }
        pending.answer(events);
    }

    /// Fetches the package that was offered.
    ///
    /// # Errors
    /// [`Code::UpgradeNotOffered`]; [`Code::ShutDown`].
    pub(crate) fn upgrade_notify(self: &Arc<Self>, upgrade: bool) -> Result<(), Code> {
        if !upgrade {
            return Ok(());
        }
        let release = locked(&self.offered).clone().ok_or(Code::UpgradeNotOffered)?;
        let pending =
            self.dispatcher.ask(crate::event::RequestKind::Package).ok_or(Code::ShutDown)?;
        self.packages.send(
            self,
            Box::new(move |engine| match engine.package(&release, &|| pending.is_void()) {
                Ok(path) => {
                    let version = release.version.to_string();
                    pending.answer(vec![Event::update_ready(&version, &path)]);
                }
                Err(failure) => pending.fail(&failure),
            }),
        );
        Ok(())
    }
}

fn state_word(state: UpgradeState) -> String {
    match state {
        UpgradeState::Unknown => "unknown".to_owned(),
        known => {
            let word = serde_json::to_value(known).unwrap_or_default();
            word.as_str().unwrap_or("unknown").to_owned()
        }
    }
}

/// What people want to know of a release; text only, as everything in these messages.
fn facts(release: &Release) -> Map<String, Value> {
    [
        ("version", release.version.to_string()),
        ("date", release.date.date()),
        ("size", release.len.to_string()),
        ("notes_zh", release.notes.zh.clone()),
        ("notes_en", release.notes.en.clone()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), Value::from(value)))
    .collect()
}
