//! What this machine can do at all: the figures stand beside these, measured in the same run.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use ed25519_dalek::{Signer as _, SigningKey};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::calls;
use crate::latencies::Latencies;
use crate::table::Figure;

/// A license with its terms is about as long.
const ROW: usize = 1024;

fn rate(histogram: &Latencies, elapsed: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 of them")]
    let count = histogram.count() as f64;
    count / elapsed.as_secs_f64().max(1e-9)
}

/// 4 KiB written over what is there, and made durable: what a write-ahead log does at each commit.
pub(crate) fn sync(folder: &Path, lasting: Duration) -> Result<Figure> {
    const BLOCK: [u8; 4096] = [7; 4096];
    const BLOCKS: u64 = 1024;

    let file = tempfile::tempfile_in(folder)?;
    for block in 0..BLOCKS {
        file.write_all_at(&BLOCK, block * 4096)?;
    }
    file.sync_all()?;
    let mut latency = Latencies::default();
    let start = Instant::now();
    for block in (0..BLOCKS).cycle() {
        let begun = Instant::now();
        if begun - start >= lasting {
            break;
        }
        write(&file, &BLOCK, block * 4096)?;
        latency.record(begun.elapsed());
    }
    Ok(Figure::new(rate(&latency, start.elapsed()), latency))
}

fn write(file: &File, block: &[u8], at: u64) -> Result<()> {
    file.write_all_at(block, at)?;
    file.sync_data()?;
    Ok(())
}

/// One core signs texts of a license's length.
pub(crate) fn signature(lasting: Duration) -> Figure {
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut text = [7_u8; ROW];
    let mut latency = Latencies::default();
    let start = Instant::now();
    loop {
        let begun = Instant::now();
        if begun - start >= lasting {
            break;
        }
        let signature = key.sign(&text);
        // Each text is another one, and no signature is left out.
        text[..64].copy_from_slice(&signature.to_bytes());
        latency.record(begun.elapsed());
    }
    Figure::new(rate(&latency, start.elapsed()), latency)
}

/// One row a transaction, durable, through the driver that licd uses and set up as licd does.
pub(crate) fn commits(folder: &Path, lasting: Duration) -> Result<Figure> {
    let folder = tempfile::Builder::new().prefix("licd-bench-").tempdir_in(folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = SqliteConnectOptions::new()
            .filename(folder.path().join("rows.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging()
            .connect()
            .await?;
        sqlx::query("CREATE TABLE rows (id TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL)")
            .execute(&mut connection)
            .await?;
        let document = "x".repeat(ROW);
        let mut latency = Latencies::default();
        let start = Instant::now();
        for number in 0.. {
            let id = calls::id(0, number);
            let begun = Instant::now();
            if begun - start >= lasting {
                break;
            }
            sqlx::query("INSERT INTO rows (id, document) VALUES ($1, $2)")
                .bind(id)
                .bind(&document)
                .execute(&mut connection)
                .await?;
            latency.record(begun.elapsed());
        }
        let figure = Figure::new(rate(&latency, start.elapsed()), latency);
        connection.close().await?;
        Ok(figure)
    })
}
