//! What a process costs: its memory and its processor time, as Linux tells them.

use std::fs;
use std::time::Duration;

/// Ticks a second of `/proc`'s times: a constant of Linux on every machine that licd is built for.
const TICKS: u64 = 100;

/// Memory of a process in bytes: resident now, and the most that it was.
pub(crate) fn memory(process: u32) -> Option<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    Some((kib("VmRSS:")? * 1024, kib("VmHWM:")? * 1024))
}

/// Processor time of a process so far.
pub(crate) fn cpu(process: u32) -> Duration {
    spent(&format!("/proc/{process}/stat"))
}

/// Processor time of the calling thread so far.
pub(crate) fn thread_cpu() -> Duration {
    spent("/proc/thread-self/stat")
}

fn spent(path: &str) -> Duration {
    let ticks = fs::read_to_string(path).ok().and_then(|text| ticks(&text)).unwrap_or_default();
    Duration::from_millis(ticks * 1000 / TICKS)
}

/// User and system time; the name of the program may hold spaces and parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// The load average of the last minute, and how many processors there are.
pub(crate) fn load() -> (f64, usize) {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let average = text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_default();
    (average, std::thread::available_parallelism().map_or(1, usize::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_name_is_no_number() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 1 1 1";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks(""), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_known() {
        let (now, most) = memory(std::process::id()).unwrap();
        assert!(now > 100_000 && most >= now);
    }
}
