//! The clock floor, kept in two files so that deleting one of them changes nothing.

use license_core::{
    Timestamp,
    clock::{ClockReading, ClockState, ClockStatus},
    trust::document_digest,
};

use super::VerifiedCache;
use crate::platform::Platform;

pub(super) const FLOOR: &str = "clock";

impl VerifiedCache {
    pub(super) fn load_clock(&mut self) {
        let kept = [(&self.folder, FLOOR), (&self.floor_folder, self.floor_name.as_str())].map(
            |(folder, name)| {
                let text = folder.read(name)?;
                let memory = self.unseal_clock(&text);
                if memory.is_none() {
                    folder.set_aside(name);
                }
                memory
            },
        );
        for memory in kept.into_iter().flatten() {
            self.clock = self.clock.merge(memory);
        }
        // A file that is missing or was changed is written again after the next reading.
        let whole = kept.iter().all(|memory| *memory == Some(self.clock));
        self.clock_written = if whole { self.clock } else { ClockState::default() };
    }

    /// One line of JSON and one that shows a change by hand.
    fn seal_clock(&self) -> String {
        let text = serde_json::to_string(&self.clock).unwrap_or_default();
        let mark = document_digest(&format!("{}{text}", self.anchors.digest()));
        format!("{text}\n{}\n", &mark[..16])
    }

    fn unseal_clock(&self, text: &str) -> Option<ClockState> {
        let (text, mark) = text.trim_end().split_once('\n')?;
        let expected = document_digest(&format!("{}{text}", self.anchors.digest()));
        (expected.get(..16) == Some(mark)).then(|| serde_json::from_str(text).ok())?
    }

    /// Reads the clock and keeps what it showed.
    pub(crate) fn look(
        &mut self,
        platform: &Platform,
        signed: Option<Timestamp>,
        receipt: Option<Timestamp>,
    ) -> ClockStatus {
        let running = (platform.running)();
        let ran = running.saturating_sub(self.looked_at);
        self.looked_at = running;
        let status =
            self.clock.observe(ClockReading { now: (platform.now)(), ran, signed, receipt });
        self.write_clock(receipt.is_some());
        status
    }

    fn write_clock(&mut self, at_once: bool) {
        let secs = |memory: &ClockState| memory.floor.map_or(i64::MIN, Timestamp::as_secs);
        let moved = secs(&self.clock).abs_diff(secs(&self.clock_written)) >= 60;
        let reported = !self.clock.same_offence(&self.clock_written);
        if !(moved || reported || at_once) || self.clock == self.clock_written {
            return;
        }
        let text = self.seal_clock();
        self.write(FLOOR, text.as_bytes());
        // The second file is optional: where the platform forbids it the first alone counts.
        let _ = self.floor_folder.write(&self.floor_name, text.as_bytes());
        self.clock_written = self.clock;
    }
}
