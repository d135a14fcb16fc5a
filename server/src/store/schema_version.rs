//! Whether a database's tables and this program fit together.

use sqlx::migrate::{MigrateError, Migrator};

use super::StoreError;

fn known(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// What it means that the tables are of a version that is not known here.
pub(super) fn newer(found: i64, migrator: &Migrator) -> StoreError {
    let known = known(migrator);
    StoreError::Version(format!(
        "its tables have version {found}, this licd knows them up to version {known}: a newer licd \
         has used it, start that one"
    ))
}

/// What it means that migrating failed.
pub(super) fn migration_error(error: MigrateError, migrator: &Migrator) -> StoreError {
    match error {
        MigrateError::VersionMissing(found) => newer(found, migrator),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => StoreError::Broken(format!("the database could not be migrated: {other}")),
    }
}

/// For programs that use the database as it is: its version, if it has one.
pub(super) fn check(found: Option<i64>, migrator: &Migrator) -> Result<(), StoreError> {
    let known = known(migrator);
    match found {
        Some(found) if found == known => Ok(()),
        Some(found) if found > known => Err(newer(found, migrator)),
        found => Err(StoreError::Version(format!(
            "its tables have version {}, this licd needs version {known}: run `licd migrate`",
            found.unwrap_or_default()
        ))),
    }
}
