//! Runs the configured program of alerts: the message on its standard input, no shell, and none of
//! the server's environment, which may hold secrets.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

/// What it is given of our environment, which holds secrets.
const PASSED_VARIABLES: [&str; 9] =
    ["HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SystemRoot", "TMPDIR", "TZ", "USER"];

/// A program with its arguments.
pub(crate) struct Program {
    path: String,
    arguments: Vec<String>,
    timeout: Duration,
}

impl Program {
    /// `None` where none is configured.
    pub(super) fn new(command: &[String], timeout: Duration) -> Option<Self> {
        let (path, arguments) = command.split_first()?;
        Some(Self { path: path.clone(), arguments: arguments.to_vec(), timeout })
    }

    /// Runs it once; exit code 0 means that it took the message.
    pub(super) async fn run(&self, body: &[u8]) -> Result<(), String> {
        let passed_on =
            PASSED_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut child = tokio::process::Command::new(&self.path)
            .args(&self.arguments)
            .env_clear()
            .envs(passed_on)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("the command cannot be started: {error}"))?;
        let whole = async {
            if let Some(mut input) = child.stdin.take() {
                // A program that does not read its input is no failure.
                let _ = input.write_all(body).await;
            }
            child.wait().await
        };
        // The program is killed when `child` is dropped.
        let ended = tokio::time::timeout(self.timeout, whole)
            .await
            .map_err(|_| format!("the command took longer than {} s", self.timeout.as_secs()))?;
        let status = ended.map_err(|error| format!("the command cannot be waited for: {error}"))?;
        if status.success() {
            return Ok(());
        }
        Err(status.code().map_or_else(
            || "the command was ended by a signal".to_owned(),
            |code| format!("the command ended with exit code {code}"),
        ))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn command(words: &[&str]) -> Program {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Program::new(&words, TIMEOUT).expect("every test names a program")
    }

    #[tokio::test]
    async fn the_message_is_its_input_and_nothing_is_read_by_a_shell() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("$(touch x); `y` \"z\"");
        let tee = command(&["/usr/bin/tee", file.to_str().unwrap()]);
        let body = r#"{"message":"$(touch here) 张三"}"#.as_bytes();
        tee.run(body).await.unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), body);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn it_learns_nothing_of_our_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("environment");
        let script = format!("/usr/bin/env > '{}'", file.display());
        command(&["/bin/sh", "-c", &script]).run(b"{}").await.unwrap();
        let seen = std::fs::read_to_string(&file).unwrap();
        // Cargo sets these for every test.
        assert!(!seen.contains("CARGO"), "{seen}");
        assert!(seen.contains("PATH="), "{seen}");
    }

    #[tokio::test]
    async fn whatever_goes_wrong_is_said() {
        for (words, part) in [
            (&["/nonexistent/program"][..], "cannot be started"),
            (&["/bin/sh", "-c", "exit 3"], "exit code 3"),
            (&["/bin/sh", "-c", "kill -9 $$"], "signal"),
        ] {
            let error = command(words).run(b"{}").await.unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        // It closes its input at once, and that is its own affair.
        command(&["/bin/true"]).run(&vec![b'x'; 1 << 20]).await.unwrap();
    }

    #[tokio::test]
    async fn it_has_ten_seconds() {
        let start = Instant::now();
        let error = command(&["/bin/sleep", "60"]).run(b"{}").await.unwrap_err();
        assert!(error.contains("longer than 10 s"), "{error}");
        assert!(start.elapsed().as_secs() < 20);
    }
}
