//! The clock and the random source, made in `main` and passed to the commands.

use std::io;

use koogallery_sim::SimSources;
use license_core::time::Timestamp;

/// What a command may ask of the world beside files and the network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Environment {
    /// Milliseconds since 1970, UTC.
    pub(crate) now_ms: fn() -> i64,
    /// Fills the bytes from the system's random source.
    pub(crate) fill: fn(&mut [u8]) -> io::Result<()>,
}

impl Environment {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_secs((self.now_ms)().div_euclid(1000))
    }

    pub(crate) fn random<const N: usize>(&self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        (self.fill)(&mut bytes)?;
        Ok(bytes)
    }

    /// The same for the simulator.
    pub(crate) fn sources(&self) -> SimSources {
        SimSources { now_ms: self.now_ms, fill: self.fill }
    }

    /// A new id (UUID version 7): ids made later sort later.
    pub(crate) fn id(&self) -> io::Result<uuid::Uuid> {
        let millis = u64::try_from((self.now_ms)()).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &self.random()?).into_uuid())
    }
}
