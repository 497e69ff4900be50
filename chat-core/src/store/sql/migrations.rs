//! Compares the recorded migrations of a database with those of this program.
//!
//! Both databases record migrations in the table that sqlx uses. The comparison precedes every change of the schema. If
//! the schema is current, nothing is created, so the database role needs no privilege to create tables.

use super::open_error::OpenError;
use sqlx::migrate::{MigrateError, Migration, Migrator};

/// A migration that the database has recorded.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) version: i64,
    pub(super) checksum: Vec<u8>,
    pub(super) success: bool,
}

/// Lists the recorded migrations.
pub(super) const APPLIED: &str = "select version, checksum, success from _sqlx_migrations order by version";

/// Returns the newest version that this program knows.
pub(super) fn newest(known: &Migrator) -> i64 {
    known.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Returns the migrations that the database does not have yet.
///
/// # Errors
/// [`OpenError::Newer`] if a newer version of the program has migrated the database; [`OpenError::Migration`] if a
/// recorded migration failed or differs from the one of this program.
pub(super) fn missing<'m>(applied: &[Applied], known: &'m Migrator) -> Result<Vec<&'m Migration>, OpenError> {
    let newest = newest(known);
    for one in applied {
        let version = one.version;
        if version > newest {
            return Err(OpenError::Newer { found: version, known: newest });
        }
        if !one.success {
            return Err(OpenError::migration(MigrateError::Dirty(version)));
        }
        if !known.iter().any(|known| known.version == version && *known.checksum == *one.checksum) {
            return Err(OpenError::migration(MigrateError::VersionMismatch(version)));
        }
    }
    let is_missing = |known: &&Migration| !applied.iter().any(|one| one.version == known.version);
    Ok(known.iter().filter(is_missing).collect())
}
