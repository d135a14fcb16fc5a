//! A private PostgreSQL for tests: made in a folder of its own, reached by a socket in it, gone
//! with the process that made it however that ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

/// Reads commands until its standard input ends, which it does when the tests end.
const SCRIPT: &str = r#"
set -e
bin=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/licd-postgres.XXXXXX")
control() { "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/log" "$@" >/dev/null 2>&1 </dev/null; }
finish() { control -m immediate stop || true; rm -rf "$dir"; }
trap finish EXIT
"$bin/initdb" -D "$dir/data" -A trust -U licd -E UTF8 --locale=C --no-sync >/dev/null </dev/null
cat >>"$dir/data/postgresql.conf" <<CONFIGURATION
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = on
max_connections = 300
shared_buffers = 32MB
CONFIGURATION
control start || { cat "$dir/log" >&2; exit 1; }
echo "$dir"
while read -r command; do
    case $command in
        kill) control -m immediate stop ;;
        stop) control -m fast stop ;;
        start) control start ;;
        follow) control -m fast stop; : >"$dir/data/standby.signal"; control start ;;
        lead) control promote ;;
        create*) "$bin/createdb" -h "$dir" -U licd "${command#create }" </dev/null >&2 ;;
    esac
    echo done
done
"#;

/// A running PostgreSQL.
pub(crate) struct Cluster {
    dir: PathBuf,
    pipe: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    databases: AtomicU32,
    _script: Child,
}

impl Cluster {
    /// Makes and starts one; `None` where the tests are told to do without.
    pub(crate) fn start() -> Option<Self> {
        if std::env::var("LICD_TEST_POSTGRES").is_ok_and(|word| word == "skip") {
            return None;
        }
        let bin = programs().expect(
            "PostgreSQL's server programs (initdb, pg_ctl, postgres, createdb) are neither in \
             PATH nor below /usr/lib/postgresql: install the Debian package `postgresql`, or set \
             LICD_TEST_POSTGRES=skip to leave these tests out",
        );
        let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let mut command = if root {
            // It refuses to run as root; its package made a user for it.
            let made = Command::new("id").arg("postgres").output().unwrap().status.success();
            let mut command = Command::new("runuser");
            command.args(["-u", if made { "postgres" } else { "nobody" }, "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let mut script = command
            .args(["-c", SCRIPT, "sh"])
            .arg(bin)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = script.stdin.take().unwrap();
        let mut stdout = BufReader::new(script.stdout.take().unwrap());
        let mut dir = String::new();
        stdout.read_line(&mut dir).unwrap();
        assert!(!dir.is_empty(), "PostgreSQL could not be started");
        Some(Self {
            dir: PathBuf::from(dir.trim_end()),
            pipe: Mutex::new((stdin, stdout)),
            databases: AtomicU32::new(0),
            _script: script,
        })
    }

    /// The one that the tests of a process share.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// Does one thing: `kill`, `stop`, `start`, `follow` as a standby, `lead` again,
    /// `create NAME`.
    pub(crate) fn tell(&self, what: &str) {
        let mut pipe = self.pipe.lock().unwrap();
        writeln!(pipe.0, "{what}").unwrap();
        let mut line = String::new();
        pipe.1.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n", "PostgreSQL did not {what}");
    }

    /// The address of a new, empty database.
    pub(crate) fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::SeqCst));
        self.tell(&format!("create {name}"));
        format!("postgres:///{name}?host={}&user=licd", self.dir.display())
    }
}

/// The folder of the newest server programs.
fn programs() -> Option<PathBuf> {
    let packaged = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut packaged: Vec<PathBuf> = packaged.map(|entry| entry.path().join("bin")).collect();
    packaged.sort();
    packaged.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(packaged);
    let complete = |folder: &Path| {
        ["initdb", "pg_ctl", "postgres", "createdb"].iter().all(|name| folder.join(name).exists())
    };
    folders.into_iter().find(|folder| complete(folder))
}
