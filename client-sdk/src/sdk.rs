//! The SDK as a program uses it: every request is accepted or refused at once and ends in one
//! event.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use license_core::{Code, device::DeviceInfo};

use crate::{
    Config, EventType, LicenseType, Outcome, Used, VerifyRequest,
    config::Settings,
    dispatcher::EventDispatcher,
    engine::{Engine, RequestedLicense},
    error::SdkError,
    event::RequestKind,
    machine::Machine,
    platform::Platform,
    verify,
};

/// How long [`Sdk::shut_out`] waits for a callback that does not return.
const CALLBACK_ENDS: Duration = Duration::from_secs(10);

/// Asks for a license, verifies it, keeps it, knows of newer versions.
///
/// Every method may be called from any thread and inside of a callback. None but
/// [`Sdk::report_usage`] waits for the network, none panics. Dropping the value shuts it down.
///
/// # Examples
/// ```
/// use license_client::{Code, Config, EventType, Sdk};
///
/// # let state = tempfile::tempdir().unwrap();
/// # let keys = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// # let (sender, receiver) = std::sync::mpsc::channel();
/// let sdk = Sdk::factory(Config {
///     server: "https://license.example.com".to_owned(),
///     product: "flowsim".to_owned(),
///     version: "2.0.0".to_owned(),
///     trust: keys.to_owned(), // include_str!("keys.json")
/// #   state_dir: state.path().display().to_string(),
///     ..Config::default()
/// });
/// sdk.register_event_recall(move |kind, message| {
///     if kind == EventType::LicenseVerify {
///         println!("{message}");
///     }
/// #   sender.send(message.to_owned()).unwrap();
/// });
/// assert_eq!(sdk.init(), Code::Ok);
/// assert_eq!(sdk.license_string_request(""), Code::Ok);
/// # let message = receiver.recv_timeout(std::time::Duration::from_secs(30)).unwrap();
/// # assert!(message.contains("LICENSE_MISSING"), "{message}");
///
/// let cores = sdk.entitlement("solver-cores").unwrap_or_else(|| "1".to_owned());
/// # assert_eq!(cores, "1");
/// sdk.shut_out();
/// ```
pub struct Sdk {
    phase: Mutex<Phase>,
    dispatcher: Arc<EventDispatcher>,
    platform: Platform,
}

enum Phase {
    Made(Option<Box<Config>>),
    Running(Arc<Engine>),
    Ended(Option<Arc<Engine>>),
}

impl Default for Sdk {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Sdk {
    fn drop(&mut self) {
        self.shut_out();
    }
}

/// Turns a defect of ours into an answer: nothing unwinds into the program.
fn guarded<T>(otherwise: impl FnOnce() -> T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| otherwise())
}

impl Sdk {
    /// An SDK that is configured later, by [`Sdk::configure`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_host(Platform::real(), None)
    }

    /// An SDK for one program.
    #[must_use]
    pub fn factory(config: Config) -> Self {
        Self::with_host(Platform::real(), Some(config))
    }

    pub(crate) fn with_host(platform: Platform, config: Option<Config>) -> Self {
        let phase = Mutex::new(Phase::Made(config.map(Box::new)));
        Self { phase, dispatcher: Arc::new(EventDispatcher::default()), platform }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn engine(&self) -> Result<Arc<Engine>, Code> {
        match &*self.phase() {
            Phase::Made(_) => Err(Code::NotInitialized),
            Phase::Running(engine) => Ok(Arc::clone(engine)),
            Phase::Ended(_) => Err(Code::ShutDown),
        }
    }

    /// Runs `work` on what `Init` started; its code is the answer.
    fn asked(&self, work: impl FnOnce(&Arc<Engine>) -> Result<(), Code>) -> Code {
        guarded(
            || Code::Internal,
            || match self.engine().and_then(|engine| work(&engine)) {
                Ok(()) => Code::Ok,
                Err(code) => code,
            },
        )
    }

    /// Says which program this is. Only before [`Sdk::init`]; afterwards [`Code::Conflict`].
    pub fn configure(&self, config: Config) -> Code {
        match &mut *self.phase() {
            Phase::Made(made) => {
                *made = Some(Box::new(config));
                Code::Ok
            }
            Phase::Running(_) => Code::Conflict,
            Phase::Ended(_) => Code::ShutDown,
        }
    }

    /// Reads the configuration and what was kept; the network is not touched.
    ///
    /// [`Code::ConfigInvalid`] where the configuration cannot be used: [`Sdk::explain`] says why.
    /// A state folder that cannot be written is a warning only.
    pub fn init(&self) -> Code {
        guarded(
            || Code::Internal,
            || {
                let mut phase = self.phase();
                let config = match &*phase {
                    Phase::Made(Some(config)) => config,
                    Phase::Made(None) => return Code::ConfigInvalid,
                    Phase::Running(_) => return Code::Ok,
                    Phase::Ended(_) => return Code::ShutDown,
                };
                let Ok(settings) = Settings::resolve(config, &self.platform) else {
                    return Code::ConfigInvalid;
                };
                match Engine::start(settings, self.platform.clone(), Arc::clone(&self.dispatcher)) {
                    Ok(engine) => {
                        *phase = Phase::Running(engine);
                        Code::Ok
                    }
                    Err(code) => code,
                }
            },
        )
    }

    /// What is wrong with the configuration, for the developer; nothing, if it can be used.
    #[must_use]
    pub fn explain(&self) -> Option<String> {
        match &*self.phase() {
            Phase::Made(Some(config)) => {
                Settings::resolve(config, &self.platform).err().map(|error| error.to_string())
            }
            Phase::Made(None) => Some("there is no configuration".to_owned()),
            Phase::Running(_) | Phase::Ended(_) => None,
        }
    }

    /// Replaces the callback of events. Events come one at a time from
    /// a thread of the SDK; those that came before the first registration are kept for it.
    pub fn register_event_recall(
        &self,
        callback: impl Fn(EventType, &str) + Send + Sync + 'static,
    ) -> Code {
        if matches!(&*self.phase(), Phase::Ended(_)) {
            return Code::ShutDown;
        }
        self.dispatcher.register(Arc::new(callback));
        Code::Ok
    }

    /// Asks for the license as text; ends in [`EventType::LicenseVerify`]. An empty `dev_info` is
    /// this machine.
    pub fn license_string_request(&self, dev_info: &str) -> Code {
        self.request(LicenseType::String, "", dev_info)
    }

    /// Asks for the license as a file; ends in [`EventType::LicenseVerify`]. `file_name` is a full
    /// path, a name in the state folder, or empty for the SDK's own.
    pub fn license_file_request(&self, file_name: &str, dev_info: &str) -> Code {
        self.request(LicenseType::File, file_name, dev_info)
    }

    /// What a program calls when its trial is over: asks as the request for that form does.
    pub fn trial_expiration_and_license(
        &self,
        kind: LicenseType,
        dev_info: &str,
        file_name: &str,
    ) -> Code {
        self.request(kind, file_name, dev_info)
    }

    fn request(&self, kind: LicenseType, file_name: &str, dev_info: &str) -> Code {
        self.asked(|engine| {
            if !dev_info.trim().is_empty() {
                DeviceInfo::parse(dev_info).map_err(|refusal| refusal.code())?;
            }
            let path = match kind {
                LicenseType::File => engine.license_path(file_name)?,
                LicenseType::String => std::path::PathBuf::new(),
            };
            let pending = self.dispatcher.ask(RequestKind::License(kind)).ok_or(Code::ShutDown)?;
            engine.serve(pending, RequestedLicense { kind, path, dev_info: dev_info.to_owned() });
            Ok(())
        })
    }

    /// Records what the program's own verification found.
    pub fn license_verify_notify(&self, verify_result: bool, error_msg: &str) -> Code {
        self.asked(|engine| {
            engine.notify(verify_result, error_msg);
            Ok(())
        })
    }

    /// What [`Sdk::license_verify_notify`] recorded last.
    #[must_use]
    pub fn verify_notice(&self) -> Option<(bool, String)> {
        guarded(|| None, || self.engine().ok()?.notice())
    }

    /// Asks for newer versions; ends in one [`EventType::UpgradeNotice`], followed by
    /// [`EventType::Update`] where this version must be left.
    pub fn check_new_versions(&self) -> Code {
        self.asked(|engine| {
            if engine.settings.version.is_none() {
                return Err(Code::ConfigInvalid);
            }
            let pending = self.dispatcher.ask(RequestKind::Versions).ok_or(Code::ShutDown)?;
            engine.check_versions(pending);
            Ok(())
        })
    }

    /// Tells whether the user wants the upgrade that was offered. If so its package is fetched and
    /// checked, which ends in [`EventType::Update`] with its `path`.
    /// [`Code::UpgradeNotOffered`] if none was.
    pub fn upgrade_notify(&self, upgrade: bool) -> Code {
        self.asked(|engine| engine.upgrade_notify(upgrade))
    }

    /// Ends everything; later requests answer [`Code::ShutDown`]. Open requests fail, each with
    /// its event, before this returns. Inside of a callback it returns at once and the remaining
    /// events follow; elsewhere it waits for a running callback, at most ten seconds. A question
    /// that is under way on the network is not waited for: its thread ends by itself within the
    /// ten seconds that every question has.
    pub fn shut_out(&self) -> Code {
        guarded(
            || Code::Internal,
            || {
                let engine = {
                    let mut phase = self.phase();
                    let engine = match &*phase {
                        Phase::Made(_) => None,
                        Phase::Running(engine) => Some(Arc::clone(engine)),
                        Phase::Ended(engine) => engine.clone(),
                    };
                    *phase = Phase::Ended(engine.clone());
                    engine
                };
                match engine {
                    Some(engine) => engine.close(CALLBACK_ENDS),
                    None => self.dispatcher.close(),
                }
                Code::Ok
            },
        )
    }

    /// This machine's device text, `MAC|DISK|BOARD|CPU`. Works before [`Sdk::init`].
    #[must_use]
    pub fn device_info(&self) -> String {
        guarded(String::new, || (self.platform.machine)())
    }

    /// This machine's device text and what kind of machine it is.
    #[must_use]
    pub fn machine(&self) -> &'static Machine {
        Machine::local()
    }

    /// Opens licenses: text, files, folders with `.lic` files, a server's address for later
    /// requests. The best valid one is kept and comes into force; lists that a file carries are
    /// taken along.
    #[must_use]
    pub fn open_license(&self, sources: &[&str]) -> Outcome {
        self.answer(|engine| Ok(engine.open(sources)))
    }

    /// Verifies one license and keeps nothing. What the request leaves open is taken from the
    /// program's configuration, this machine and what is remembered. A request that brings its own
    /// `trust` is answered by [`verify`](verify()) alone.
    #[must_use]
    pub fn verify(&self, request: &VerifyRequest) -> Outcome {
        if request.trust.is_some() {
            return guarded(internal, || verify(request));
        }
        self.answer(|engine| Ok(engine.verify(request)))
    }

    fn answer(&self, work: impl FnOnce(&Arc<Engine>) -> Result<Outcome, Code>) -> Outcome {
        guarded(internal, || match self.engine().and_then(|engine| work(&engine)) {
            Ok(outcome) => outcome,
            Err(code) => Outcome::from(&SdkError::of(code)),
        })
    }

    /// Reports what was used of a right that is paid by quantity, up to 1,000 at once: all of it
    /// counts, or nothing. This one waits for the network, up to ten seconds: call it from a thread
    /// of your own. Unless the answer is [`Code::Ok`] or says what is wrong with a record, keep the
    /// records and report them again, with the same numbers: they count once.
    #[must_use]
    pub fn report_usage(&self, used: &[Used]) -> Outcome {
        guarded(internal, || match self.engine() {
            Ok(engine) => match engine.report(used) {
                Ok(answer) => Outcome::from(&answer),
                Err(failure) => Outcome::from(&failure),
            },
            Err(code) => Outcome::from(&SdkError::of(code)),
        })
    }

    /// What the license in force says of a right or limit: `true`, `64`, a text; nothing if it
    /// does not name it or there is no valid license.
    #[must_use]
    pub fn entitlement(&self, name: &str) -> Option<String> {
        guarded(|| None, || self.engine().ok()?.entitlement(name))
    }

    /// What should be put right but stops nothing: a state folder that cannot be written, a broken
    /// `licsdk.toml`.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        guarded(Vec::new, || self.engine().map(|engine| engine.warnings()).unwrap_or_default())
    }
}

fn internal() -> Outcome {
    Outcome::from(&SdkError::of(Code::Internal))
}

#[cfg(test)]
mod tests;
