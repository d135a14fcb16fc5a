//! Runs a tool of the platform for a short time and takes what it prints.

use std::{
    io::Read,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// More than this is no answer of a tool that lists parts.
const OUTPUT_LIMIT: u64 = 4 * 1024 * 1024;

/// What the command printed, or nothing if it could not be started, failed or took too long: a
/// machine with a broken tool is read from what is left.
pub(super) fn output(command: &mut Command, limit: Duration) -> Option<Vec<u8>> {
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
    let until = Instant::now() + limit;
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut stdout = child.stdout.take()?.take(OUTPUT_LIMIT);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.read_to_end(&mut bytes);
        // After the timeout the receiver is gone and the bytes are not needed.
        let _ = sender.send(read.map(|_| bytes));
    });
    let bytes = receiver.recv_timeout(until.saturating_duration_since(Instant::now()));
    if bytes.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    bytes.ok()?.ok().filter(|_| status.success())
}

/// The bytes as text: some tools of Windows write UTF-16 into a pipe.
pub(super) fn text(bytes: &[u8]) -> String {
    let units = |from_bytes: fn([u8; 2]) -> u16| {
        bytes[2..].chunks_exact(2).map(move |c| from_bytes([c[0], c[1]])).collect::<Vec<_>>()
    };
    match bytes {
        [0xFF, 0xFE, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xFE, 0xFF, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn takes_what_a_tool_prints() {
        let printed = output(&mut shell("echo board"), Duration::from_secs(5));
        assert_eq!(printed.as_deref(), Some(&b"board\n"[..]));
    }

    #[test]
    fn a_tool_that_fails_hangs_or_is_missing_gives_nothing() {
        assert_eq!(output(&mut shell("echo x; exit 1"), Duration::from_secs(5)), None);
        assert_eq!(output(&mut Command::new("/no/such/tool"), Duration::from_secs(5)), None);
        let start = Instant::now();
        assert_eq!(output(&mut shell("exec sleep 30"), Duration::from_millis(50)), None);
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn reads_utf_16_and_utf_8_with_a_mark() {
        assert_eq!(text(b"\xFF\xFEa\0b\0"), "ab");
        assert_eq!(text(b"\xFE\xFF\0a\0b"), "ab");
        assert_eq!(text(b"\xEF\xBB\xBFab"), "ab");
        assert_eq!(text(b"ab"), "ab");
    }
}
