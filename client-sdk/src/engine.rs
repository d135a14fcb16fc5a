//! The SDK between `Init` and `ShutOut`: settings, cache, and three worker threads.
//!
//! Each mutex of [`Engine`] guards one value. None is held while the network is used, and no
//! two are held together, so that no lock order is needed.

mod licenses;
mod packages;
mod sources;
mod upgrades;
mod usage;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use license_core::{Code, clock::ClockStatus, release::Release, verify::Verified};
pub(crate) use licenses::RequestedLicense;

use crate::{
    Outcome, VerifyRequest, cache::VerifiedCache, config::Settings, dispatcher::EventDispatcher,
    error::SdkError, platform::Platform, transport::Transport, verify, worker::WorkerThread,
};

/// How often a program that does nothing looks at the clock.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_mins(10);

/// How long `ShutOut` waits for a thread that talks to the network.
const WORKER_STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// Everything that exists after `Init`.
pub(crate) struct Engine {
    pub(crate) settings: Settings,
    pub(crate) platform: Platform,
    pub(crate) dispatcher: Arc<EventDispatcher>,
    /// Answers from memory and disk, so that nothing waits behind the network.
    local: WorkerThread<Engine>,
    /// Asks the server, one question after the other.
    network: WorkerThread<Engine>,
    /// Fetches packages, which takes minutes.
    packages: WorkerThread<Engine>,
    cache: Mutex<VerifiedCache>,
    server: Mutex<Option<String>>,
    in_force: Mutex<Option<Verified>>,
    offered: Mutex<Option<Release>>,
    /// On the running clock, when the server was asked in the background last.
    refreshed: Mutex<Option<i64>>,
    notice: Mutex<Option<(bool, String)>>,
    closed: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done under these locks that verification would not catch.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Reads what was kept and starts nothing but the thread for events.
    pub(crate) fn start(
        settings: Settings,
        platform: Platform,
        dispatcher: Arc<EventDispatcher>,
    ) -> Result<Arc<Self>, Code> {
        dispatcher.start()?;
        let cache = VerifiedCache::load(&settings, &platform);
        let engine = Arc::new(Self {
            server: Mutex::new(settings.server.clone()),
            settings,
            platform,
            dispatcher,
            local: WorkerThread::new(
                "licsdk-local",
                Some((CLOCK_CHECK_INTERVAL, Self::look_at_clock)),
            ),
            network: WorkerThread::new("licsdk-network", None),
            packages: WorkerThread::new("licsdk-packages", None),
            cache: Mutex::new(cache),
            in_force: Mutex::new(None),
            offered: Mutex::new(None),
            refreshed: Mutex::new(None),
            notice: Mutex::new(None),
            closed: AtomicBool::new(false),
        });
        // Some platforms take a second to name their parts: by the first question it is known.
        engine.local.send(
            &engine,
            Box::new(|engine| {
                let _ = (engine.platform.machine)();
                engine.look_at_clock();
            }),
        );
        Ok(engine)
    }

    /// Time passes while a program runs for weeks: its floor rises and its license may end.
    fn look_at_clock(&self) {
        let status = self.cache().look(&self.platform, None, None);
        let now = (self.platform.now)();
        let mut in_force = locked(&self.in_force);
        let ended = in_force.as_ref().is_some_and(|verified| {
            let claims = &verified.claims;
            claims.expires.is_some_and(|at| now >= at.plus(claims.grace_secs))
        });
        if ended || matches!(status, ClockStatus::RolledBack { .. }) {
            *in_force = None;
        }
    }

    pub(crate) fn cache(&self) -> MutexGuard<'_, VerifiedCache> {
        locked(&self.cache)
    }

    /// Whether `ShutOut` was called.
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Ends everything: open questions fail, the threads stop after what they do.
    pub(crate) fn close(&self, limit: Duration) {
        self.closed.store(true, Ordering::SeqCst);
        self.dispatcher.close();
        let workers = [&self.local, &self.network, &self.packages];
        for worker in workers {
            worker.close();
        }
        if !self.dispatcher.wait(limit) {
            return;
        }
        // A program may unload this library next: its threads should be gone by then.
        let until = Instant::now() + WORKER_STOP_TIMEOUT;
        while workers.iter().any(|worker| worker.is_alive()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The server to ask.
    fn transport(&self) -> Result<Transport, SdkError> {
        let server = locked(&self.server).clone();
        let server = server.ok_or_else(|| {
            SdkError::new(
                Code::LicenseMissing,
                "no license server is configured",
                "未配置许可证服务器",
            )
        })?;
        Transport::new(&server, &self.settings.proxy)
    }

    fn has_server(&self) -> bool {
        locked(&self.server).is_some()
    }

    /// The device text that a question is about.
    fn device(&self, dev_info: &str) -> String {
        if dev_info.trim().is_empty() { (self.platform.machine)() } else { dev_info.to_owned() }
    }

    /// Remembers what the program found out about its license.
    pub(crate) fn notify(&self, result: bool, message: &str) {
        *locked(&self.notice) = Some((result, message.to_owned()));
    }

    /// What the program said last about its license.
    pub(crate) fn notice(&self) -> Option<(bool, String)> {
        locked(&self.notice).clone()
    }

    /// Verifies a license with what the request leaves open filled in.
    pub(crate) fn verify(&self, request: &VerifyRequest) -> Outcome {
        let settings = &self.settings;
        let device = request.dev_info.clone().unwrap_or_else(|| self.device(""));
        let mut cache = self.cache();
        let status = cache.look(&self.platform, None, None);
        let own_time = request.at.is_none();
        let mut request = request.clone();
        request.product.get_or_insert_with(|| settings.product.clone());
        let version = settings.version.as_ref().map(ToString::to_string);
        request.version = request.version.or(version);
        let date = settings.release_date.map(|date| date.to_string());
        request.release_date = request.release_date.or(date);
        request.dev_info = Some(device);
        let now = (self.platform.now)();
        request.at.get_or_insert_with(|| now.as_secs().to_string());
        request.revocations.extend(cache.revocation_document().map(str::to_owned));
        if let (true, ClockStatus::RolledBack { floor }) = (own_time, status) {
            request.floor.get_or_insert_with(|| floor.as_secs().to_string());
        }
        verify::verified_by(cache.ring(), &request).into()
    }

    /// What should be put right but stops nothing.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = self.settings.warnings.clone();
        warnings.extend(self.cache().unwritable.clone());
        warnings
    }

    /// Where a license file that the program named belongs.
    ///
    /// # Errors
    /// [`Code::RequestInvalid`] for a relative name that leaves the state folder or is taken,
    /// [`Code::StateUnwritable`] where there is none.
    pub(crate) fn license_path(&self, file_name: &str) -> Result<PathBuf, Code> {
        let name = PathBuf::from(file_name);
        if name.is_absolute() {
            return Ok(name);
        }
        let plain = |part| matches!(part, std::path::Component::Normal(_));
        if !name.components().all(plain) || VerifiedCache::is_reserved(file_name) {
            return Err(Code::RequestInvalid);
        }
        self.cache().license_path(file_name).ok_or(Code::StateUnwritable)
    }
}
