//! Reads and writes a backup file: gzip over lines of JSON, so that `zcat` shows it. A header; for each table its name
//! and columns, then its rows, each an array; at last the number of rows and the SHA-256 of all
//! lines before.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::format::{FORMAT_VERSION, Header};
use super::{Refusal, damaged, newer};
use crate::store::Table;

/// No row comes near it; a file that only unpacks to something huge is refused.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// The last line.
#[derive(Deserialize, Serialize)]
struct End {
    tables: u64,
    rows: u64,
    sha256: String,
}

/// Every line but rows and the header.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Mark {
    Table(Table),
    End { end: End },
}

/// Writes one.
pub(super) struct Writer {
    out: GzEncoder<BufWriter<File>>,
    digest: Sha256,
    tables: u64,
    pub(super) rows: u64,
}

impl Writer {
    pub(super) fn new(file: File, header: &Header) -> anyhow::Result<Self> {
        let out = GzEncoder::new(BufWriter::new(file), Compression::new(3));
        let mut writer = Self { out, digest: Sha256::new(), tables: 0, rows: 0 };
        writer.line(&serde_json::to_string(header)?)?;
        Ok(writer)
    }

    fn line(&mut self, line: &str) -> std::io::Result<()> {
        for part in [line.as_bytes(), b"\n"] {
            self.digest.update(part);
            self.out.write_all(part)?;
        }
        Ok(())
    }

    pub(super) fn table(&mut self, table: &Table) -> anyhow::Result<()> {
        self.tables += 1;
        Ok(self.line(&serde_json::to_string(table)?)?)
    }

    pub(super) fn row(&mut self, row: &str) -> std::io::Result<()> {
        self.rows += 1;
        self.line(row)
    }

    /// Writes the last line, and gives the file once all of it is on the disk.
    pub(super) fn finish(mut self) -> anyhow::Result<u64> {
        let sha256 = hex::encode(self.digest.clone().finalize());
        let end = End { tables: self.tables, rows: self.rows, sha256 };
        self.line(&serde_json::to_string(&Mark::End { end })?)?;
        let file = self.out.finish()?.into_inner().map_err(std::io::Error::from)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    }
}

/// What comes next in a file.
pub(super) enum Next {
    Table(Table),
    Row(String),
    /// The end, and everything before it is what was written.
    End,
}

/// Reads one from its beginning.
pub(super) struct Reader {
    lines: BufReader<MultiGzDecoder<BufReader<File>>>,
    digest: Sha256,
    tables: u64,
    rows: u64,
}

impl Reader {
    /// Opens the file and reads its header.
    pub(super) fn open(path: &Path) -> anyhow::Result<(Header, Self)> {
        let shown = path.display();
        let file = File::open(path).with_context(|| format!("{shown} cannot be read"))?;
        let lines = BufReader::new(MultiGzDecoder::new(BufReader::new(file)));
        let mut reader = Self { lines, digest: Sha256::new(), tables: 0, rows: 0 };
        let strange = || {
            Refusal::new(
                "BACKUP_UNKNOWN",
                format!("{shown} is no backup of licd's"),
                format!("{shown} 不是 licd 的备份文件"),
            )
        };
        let Ok(Some(line)) = reader.line() else { return Err(strange().into()) };
        let form = serde_json::from_str::<serde_json::Value>(&line).unwrap_or_default();
        match form["licd_backup"].as_u64() {
            None => return Err(strange().into()),
            Some(form) if form > u64::from(FORMAT_VERSION) => {
                return Err(newer(form.cast_signed()).into());
            }
            Some(_) => {}
        }
        let header = serde_json::from_str(&line).map_err(|_| damaged("its header"))?;
        reader.digest.update(&line);
        reader.digest.update("\n");
        Ok((header, reader))
    }

    /// The next line without its end; `None` at the end of the file.
    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = String::new();
        self.lines.by_ref().take(MAX_LINE_BYTES).read_line(&mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop() != Some('\n') {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(line))
    }

    pub(super) fn next(&mut self) -> Result<Next, Refusal> {
        let broken = |error: std::io::Error| damaged(&error.to_string());
        let line = self.line().map_err(broken)?.ok_or_else(|| damaged("its end is missing"))?;
        let before = self.digest.clone();
        self.digest.update(&line);
        self.digest.update("\n");
        if line.starts_with('[') {
            self.rows += 1;
            return Ok(Next::Row(line));
        }
        match serde_json::from_str(&line) {
            Ok(Mark::Table(table)) => {
                self.tables += 1;
                Ok(Next::Table(table))
            }
            Ok(Mark::End { end }) => {
                let counted = (self.tables, self.rows) == (end.tables, end.rows);
                if !counted || end.sha256 != hex::encode(before.finalize()) {
                    return Err(damaged("its checksum differs"));
                }
                match self.line() {
                    Ok(None) => Ok(Next::End),
                    Ok(Some(_)) => Err(damaged("something follows its end")),
                    Err(error) => Err(broken(error)),
                }
            }
            Err(_) => Err(damaged("a line is neither a table nor a row")),
        }
    }
}
