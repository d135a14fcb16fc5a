//! The SDK between `Init` and `ShutOut`: settings, what is remembered, and the threads that work.

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
pub(crate) use licenses::Wanted;

use crate::{
    Outcome, VerifyRequest, config::Settings, failure::Failure, host::Host, lane::Lane,
    outbox::Outbox, records::Records, transport::Transport, verify,
};

/// How often a program that does nothing looks at the clock.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_mins(10);

/// How long the end waits for a thread that talks to the network.
const THREADS_END: Duration = Duration::from_secs(1);

/// Everything that works after `Init`.
pub(crate) struct Engine {
    pub(crate) settings: Settings,
    pub(crate) host: Host,
    pub(crate) outbox: Arc<Outbox>,
    /// Answers from memory and disk, so that nothing waits behind the network.
    local: Lane<Engine>,
    /// Asks the server, one question after the other.
    network: Lane<Engine>,
    /// Fetches packages, which takes minutes.
    packages: Lane<Engine>,
    records: Mutex<Records>,
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
        host: Host,
        outbox: Arc<Outbox>,
    ) -> Result<Arc<Self>, Code> {
        outbox.start()?;
        let records = Records::load(&settings, &host);
        let engine = Arc::new(Self {
            server: Mutex::new(settings.server.clone()),
            settings,
            host,
            outbox,
            local: Lane::new("licsdk-local", Some((CLOCK_CHECK_INTERVAL, Self::look_at_clock))),
            network: Lane::new("licsdk-network", None),
            packages: Lane::new("licsdk-packages", None),
            records: Mutex::new(records),
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
                let _ = (engine.host.machine)();
                engine.look_at_clock();
            }),
        );
        Ok(engine)
    }

    /// Time passes while a program runs for weeks: its floor rises and its license may end.
    fn look_at_clock(&self) {
        let standing = self.records().look(&self.host, None, None);
        let now = (self.host.now)();
        let mut in_force = locked(&self.in_force);
        let ended = in_force.as_ref().is_some_and(|verified| {
            let claims = &verified.claims;
            claims.expires.is_some_and(|at| now >= at.plus(claims.grace_secs))
        });
        if ended || matches!(standing, ClockStatus::RolledBack { .. }) {
            *in_force = None;
        }
    }

    pub(crate) fn records(&self) -> MutexGuard<'_, Records> {
        locked(&self.records)
    }

    /// Whether `ShutOut` was called.
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Ends everything: open questions fail, the threads stop after what they do.
    pub(crate) fn close(&self, limit: Duration) {
        self.closed.store(true, Ordering::SeqCst);
        self.outbox.close();
        let lanes = [&self.local, &self.network, &self.packages];
        for lane in lanes {
            lane.close();
        }
        if !self.outbox.wait(limit) {
            return;
        }
        // A program may unload this library next: its threads should be gone by then.
        let until = Instant::now() + THREADS_END;
        while lanes.iter().any(|lane| lane.is_alive()) && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The server to ask.
    fn transport(&self) -> Result<Transport, Failure> {
        let server = locked(&self.server).clone();
        let server = server.ok_or_else(|| {
            Failure::new(
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
        if dev_info.trim().is_empty() { (self.host.machine)() } else { dev_info.to_owned() }
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
        let mut records = self.records();
        let standing = records.look(&self.host, None, None);
        let own_time = request.at.is_none();
        let mut request = request.clone();
        request.product.get_or_insert_with(|| settings.product.clone());
        let version = settings.version.as_ref().map(ToString::to_string);
        request.version = request.version.or(version);
        let date = settings.release_date.map(|date| date.to_string());
        request.release_date = request.release_date.or(date);
        request.dev_info = Some(device);
        let now = (self.host.now)();
        request.at.get_or_insert_with(|| now.as_secs().to_string());
        request.revocations.extend(records.revocation_document().map(str::to_owned));
        if let (true, ClockStatus::RolledBack { floor }) = (own_time, standing) {
            request.floor.get_or_insert_with(|| floor.as_secs().to_string());
        }
        verify::verified_by(records.ring(), &request).into()
    }

    /// What should be put right but stops nothing.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = self.settings.warnings.clone();
        warnings.extend(self.records().unwritable.clone());
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
        if !name.components().all(plain) || Records::is_reserved(file_name) {
            return Err(Code::RequestInvalid);
        }
        self.records().license_path(file_name).ok_or(Code::StateUnwritable)
    }
}
