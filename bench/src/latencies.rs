//! Latencies, with percentiles that are exact to three digits.

use std::time::Duration;

/// How often which latency was seen, in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Latencies(hdrhistogram::Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        // Without bounds it grows with the longest latency that is recorded.
        Self(hdrhistogram::Histogram::new(3).expect("three digits are supported"))
    }
}

impl Latencies {
    pub(crate) fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0.record(nanos).expect("it grows with the longest latency");
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that so many in a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_percentile(percent).min(self.0.max()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_known_series() {
        let mut latencies = Latencies::default();
        for micros in 1..=1000 {
            latencies.record(Duration::from_micros(micros));
        }
        let close = |percent, micros: u64| {
            let found = latencies.percentile(percent).as_nanos();
            let exact = u128::from(micros) * 1000;
            assert!(found >= exact && found <= exact + exact / 60, "{percent}: {found}");
        };
        close(50.0, 500);
        close(99.0, 990);
        close(100.0, 1000);
        assert_eq!(Latencies::default().percentile(50.0), Duration::ZERO);
    }
}
