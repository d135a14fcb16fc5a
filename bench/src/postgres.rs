//! A private PostgreSQL with its own settings, gone with this process; and pgbench on it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::latencies::Latencies;
use crate::table::Figure;

/// Reads names of databases until its standard input ends, which it does when this process ends.
const SCRIPT: &str = r#"
set -e
bin=$1
dir=$2
control() { "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/log" "$@" >/dev/null 2>&1 </dev/null; }
finish() { control -m immediate stop || true; rm -rf "$dir"/*; }
trap finish EXIT
trap 'exit 1' HUP INT TERM
"$bin/initdb" -D "$dir/data" -A trust -U licd -E UTF8 --locale=C >/dev/null </dev/null
cat >>"$dir/data/postgresql.conf" <<CONFIGURATION
listen_addresses = ''
unix_socket_directories = '$dir'
CONFIGURATION
control start || { cat "$dir/log" >&2; exit 1; }
echo done
while read -r name; do
    "$bin/createdb" -h "$dir" -U licd "$name" </dev/null >&2
    echo done
done
"#;

/// A running PostgreSQL.
pub(crate) struct Cluster {
    dir: PathBuf,
    bin: PathBuf,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    script: Child,
}

impl Cluster {
    /// Makes and starts one under `place`.
    pub(crate) fn start(place: &Path) -> Result<Self> {
        let bin = programs().context("initdb, pg_ctl, createdb and pgbench are not installed")?;
        let dir = place.join("postgres");
        let root = Command::new("id").arg("-u").output()?.stdout == b"0\n";
        // It refuses to run as root; its package made a user for it.
        let mut made = Command::new("install");
        made.args(["-d", "-m", "0700"]).args(if root { &["-o", "postgres"][..] } else { &[] });
        ensure!(made.arg(&dir).status()?.success(), "{} cannot be made", dir.display());
        let mut command = if root {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let mut script = command
            .args(["-c", SCRIPT, "sh"])
            .arg(&bin)
            .arg(&dir)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = script.stdin.take();
        let mut output = BufReader::new(script.stdout.take().context("its output is piped")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        ensure!(line == "done\n", "PostgreSQL could not be started");
        Ok(Self { dir, bin, input, output, script })
    }

    /// The address of a new, empty database.
    pub(crate) fn database(&mut self, name: &str) -> Result<String> {
        let input = self.input.as_mut().context("it still runs")?;
        writeln!(input, "{name}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(line == "done\n", "PostgreSQL did not make a database");
        Ok(format!("postgres:///{name}?host={}&user=licd", self.dir.display()))
    }

    /// pgbench's single-row insert by so many clients.
    pub(crate) fn inserts(
        &mut self,
        folder: &Path,
        clients: usize,
        lasting: Duration,
    ) -> Result<Figure> {
        self.database("inserts")?;
        let work = tempfile::Builder::new().prefix("licd-bench-").tempdir_in(folder)?;
        let psql = |sql: &str| {
            let mut command = self.program("psql");
            command.args(["--quiet", "--command", sql, "inserts"]).stdout(Stdio::null()).status()
        };
        ensure!(
            psql(
                "CREATE TABLE rows (id TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL);\
                 CREATE SEQUENCE numbers CACHE 1000"
            )?
            .success(),
            "the table for pgbench cannot be made"
        );
        let script = work.path().join("insert.sql");
        fs::write(
            &script,
            format!(
                "INSERT INTO rows VALUES (md5(nextval('numbers')::text), '{}');\n",
                "x".repeat(1024)
            ),
        )?;
        let output = self
            .program("pgbench")
            .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "1", "--log", "--client"])
            .args([clients.to_string(), "--time".to_owned(), lasting.as_secs().max(1).to_string()])
            .arg("--file")
            .arg(&script)
            .arg("inserts")
            .current_dir(work.path())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let rate =
            text.split("tps = ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        let rate = rate.with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(Figure::new(rate, latencies(work.path())?))
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.arg("--host").arg(&self.dir).args(["--username", "licd"]);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.script.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// pgbench's own log: client, transaction, microseconds, …
fn latencies(folder: &Path) -> Result<Latencies> {
    let mut histogram = Latencies::default();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pgbench_log")) {
            for line in fs::read_to_string(path)?.lines() {
                let micros = line.split(' ').nth(2).and_then(|word| word.parse().ok());
                histogram.record(Duration::from_micros(micros.unwrap_or_default()));
            }
        }
    }
    Ok(histogram)
}

/// The folder of the newest server programs.
fn programs() -> Option<PathBuf> {
    let packaged = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut packaged: Vec<PathBuf> = packaged.map(|entry| entry.path().join("bin")).collect();
    packaged.sort();
    packaged.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let complete = |folder: &Path| {
        ["initdb", "pg_ctl", "postgres", "createdb", "psql", "pgbench"]
            .iter()
            .all(|name| folder.join(name).exists())
    };
    std::env::split_paths(&path).chain(packaged).find(|folder| complete(folder))
}
