//! The clock and the random source, which the program that uses the simulator passes in.

use std::io;

/// What the simulator may ask of the world beside the network.
#[derive(Clone, Copy, Debug)]
pub struct SimSources {
    /// Milliseconds since 1970, UTC.
    pub now_ms: fn() -> i64,
    /// Fills the bytes from the system's random source.
    pub fill: fn(&mut [u8]) -> io::Result<()>,
}

impl SimSources {
    /// UTC seconds since 1970.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.now_ms)().div_euclid(1000)
    }

    pub(crate) fn random<const N: usize>(&self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        (self.fill)(&mut bytes)?;
        Ok(bytes)
    }
}
