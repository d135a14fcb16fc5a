//! What a backup reads and a restore fills: every table as the database's own catalog describes
//! it, so that a table that a migration adds is in the next backup without being named anywhere.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use sqlx::migrate::{MigrateError, Migrator};

use super::{StoreError, schema_version};

/// By how much a restored list's number rises: more lists than were signed since the backup.
pub(super) const LEAP: i64 = 1_000_000;

/// What a column holds, alike in both databases.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// UTF-8.
    Text,
    /// A whole number, or a truth as 0 and 1.
    Integer,
    /// Bytes, as hexadecimal digits.
    Bytes,
}

/// One column.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether this database has a type of its own for truths.
    #[serde(skip)]
    pub(super) truth: bool,
}

/// One table.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Table {
    #[serde(rename = "table")]
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
}

impl Table {
    /// This table with its columns in the order of `other`, if both have the same ones.
    pub(crate) fn arranged_as(&self, other: &Self) -> Option<Self> {
        let find = |wanted: &Column| {
            self.columns.iter().find(|c| c.name == wanted.name && c.kind == wanted.kind).cloned()
        };
        let columns: Vec<Column> = other.columns.iter().map(find).collect::<Option<_>>()?;
        let names: BTreeSet<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        let same = self.name == other.name && names.len() == self.columns.len();
        (same && columns.len() == names.len()).then(|| Self { name: self.name.clone(), columns })
    }

    /// The columns' names for a statement.
    pub(super) fn names(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|c| quoted(&c.name)).collect();
        names.join(", ")
    }
}

/// A name as both databases quote it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// One moment of the whole database, which nobody's writing changes and which keeps nobody from
/// writing.
#[async_trait]
pub(crate) trait Snapshot: Send {
    /// The version of its tables.
    fn schema(&self) -> i64;

    /// Every table, those that others refer to first.
    async fn tables(&mut self) -> Result<Vec<Table>, StoreError>;

    /// The rows of a table, each as a JSON array without a line break.
    fn rows(&mut self, table: &Table) -> BoxStream<'_, Result<String, StoreError>>;
}

/// An empty database that is filled in one transaction; dropping it leaves it empty.
#[async_trait]
pub(crate) trait RestoreTarget: Send {
    /// Every table, with nothing in any of them.
    async fn tables(&mut self) -> Result<Vec<Table>, StoreError>;

    /// Adds rows: a JSON array of what [`Snapshot::rows`] gave.
    async fn fill(&mut self, table: &Table, rows: &str) -> Result<(), StoreError>;

    /// Puts back what was under way, has every list signed anew, keeps `note` as the fact
    /// `restored`, makes all of it durable, and brings the tables to this program's version.
    async fn finish(self: Box<Self>, note: &[u8]) -> Result<(), StoreError>;
}

/// Why a database cannot be filled.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum NotEmpty {
    /// There is something in it already.
    #[error("the database is not empty: its table {0} holds rows")]
    Rows(String),
    /// Its tables are those of another program.
    #[error("the database is not empty: its table {0} is none of licd's")]
    Foreign(String),
    /// It is empty, and its tables are already newer than the backup's.
    #[error(
        "the database's empty tables have version {0} already, which is later than the backup's"
    )]
    Later(i64),
    /// It does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for NotEmpty {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The kind of a column's type, by either database's word for it.
pub(super) fn column(table: &str, name: String, kind: &str) -> Result<Column, StoreError> {
    let (kind, truth) = match kind {
        "TEXT" | "text" => (Kind::Text, false),
        "INTEGER" | "bigint" | "integer" => (Kind::Integer, false),
        "boolean" => (Kind::Integer, true),
        "BLOB" | "bytea" => (Kind::Bytes, false),
        other => {
            return Err(StoreError::Broken(format!(
                "{table}.{name} has the type {other}, which a backup cannot hold"
            )));
        }
    };
    Ok(Column { name, kind, truth })
}

/// Tables out of the catalog's rows (table, column, type), in an order in which every table comes
/// after those that it refers to (`references`: from, to).
pub(super) fn in_order(
    columns: Vec<(String, String, String)>,
    references: &[(String, String)],
) -> Result<Vec<Table>, StoreError> {
    let mut waiting: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for (table, name, kind) in columns {
        let column = column(&table, name, &kind)?;
        waiting.entry(table).or_default().push(column);
    }
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let free = waiting.keys().find(|table| {
            !references
                .iter()
                .any(|(from, to)| from == *table && to != from && waiting.contains_key(to))
        });
        let Some(name) = free.cloned() else {
            let circle: Vec<_> = waiting.into_keys().collect();
            let circle = circle.join(", ");
            return Err(StoreError::Broken(format!("the tables {circle} refer to each other")));
        };
        if let Some(columns) = waiting.remove(&name) {
            ordered.push(Table { name, columns });
        }
    }
    Ok(ordered)
}

/// Whether a backup of that version can be taken or loaded by this program.
pub(super) fn known(found: Option<i64>, migrator: &Migrator) -> Result<i64, StoreError> {
    match found {
        Some(found) if migrator.version_exists(found) => Ok(found),
        found => schema_version::check(found, migrator).map(|()| found.unwrap_or_default()),
    }
}

/// What it means that the tables could not be made.
pub(super) fn migration_error(error: MigrateError, migrator: &Migrator) -> StoreError {
    match error {
        MigrateError::VersionNotPresent(found) => schema_version::newer(found, migrator),
        other => schema_version::migration_error(other, migrator),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: &str, column: &str, kind: &str) -> (String, String, String) {
        (table.to_owned(), column.to_owned(), kind.to_owned())
    }

    fn pair(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let columns =
            || vec![row("a", "x", "TEXT"), row("b", "x", "bigint"), row("c", "x", "BLOB")];
        let references = [pair("a", "c"), pair("c", "b"), pair("b", "b")];
        let ordered = in_order(columns(), &references).unwrap();
        let names: Vec<_> = ordered.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["b", "c", "a"]);
        let circle = in_order(columns(), &[pair("a", "c"), pair("c", "a")]).unwrap_err();
        assert!(circle.to_string().contains("a, c refer to each other"), "{circle}");
        let strange = in_order(vec![row("a", "x", "REAL")], &[]).unwrap_err();
        assert!(strange.to_string().contains("a.x has the type REAL"), "{strange}");
    }

    #[test]
    fn tables_fit_by_their_columns_whatever_the_order() {
        let table = |columns: &[(&str, &str)]| {
            let rows = columns.iter().map(|(name, kind)| row("t", name, kind)).collect();
            in_order(rows, &[]).unwrap().remove(0)
        };
        let ours = table(&[("a", "text"), ("b", "boolean")]);
        let arranged = ours.arranged_as(&table(&[("b", "INTEGER"), ("a", "TEXT")])).unwrap();
        assert_eq!(arranged.names(), r#""b", "a""#);
        assert!(arranged.columns[0].truth);
        for other in [&[("a", "TEXT")][..], &[("a", "TEXT"), ("c", "INTEGER")]] {
            assert!(ours.arranged_as(&table(other)).is_none(), "{other:?}");
        }
        assert!(ours.arranged_as(&table(&[("a", "BLOB"), ("b", "INTEGER")])).is_none());
    }
}
