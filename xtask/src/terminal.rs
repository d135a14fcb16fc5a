//! The only place that prints.

use std::io::{self, Write as _};

/// Prints one line.
pub(crate) fn say(line: &str) {
    write(format!("{line}\n").as_bytes());
}

/// Prints the beginning of a line that a later [`say`] ends, so that a long step is seen at work.
pub(crate) fn begin(text: &str) {
    write(text.as_bytes());
}

/// Says on standard error why the whole run stopped.
pub(crate) fn complain(text: &str) {
    // Nobody is left to be told when standard error itself is closed.
    let _ = writeln!(io::stderr(), "xtask: {text}");
}

fn write(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    // A reader that went away (`| head`) must not turn a good run into a failed one.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// A duration as people read it: `0.4 s`, `41 s`, `3 min 20 s`.
pub(crate) fn duration(took: std::time::Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", took.as_secs_f32()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn durations_read_well_at_every_size() {
        assert_eq!(duration(Duration::from_millis(420)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(41)), "41 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
    }
}
