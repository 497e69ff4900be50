//! Brings the schema of a Postgres database up to date.

use super::failure::{is_read_only, is_shared_connection, source, state};
use crate::store::sql::{
    MIGRATION_TARGET, OpenError,
    migrations::{self, APPLIED, Applied},
};
use sqlx::{
    Error, PgConnection, Row as _,
    migrate::{Migrate as _, MigrateError, Migrator},
    postgres::PgRow,
};
use std::{pin::pin, time::Duration};
use tokio::time::timeout;

pub(in crate::store::sql) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// The time after which the cause of a migration's wait is logged.
const NOTICE_AFTER: Duration = Duration::from_secs(1);

/// Brings the schema up to date. Waits for each lock for at most `limit`.
///
/// The connection has no statement timeout, because a migration by this or another server can take long. The migrator
/// holds an advisory lock, so that only one of several starting servers migrates. The lock is released when the
/// connection is closed. If the schema is current, no lock is taken and no DDL runs, so the role needs no privilege to
/// create objects.
pub(super) async fn migrate(connection: &mut PgConnection, limit: Duration) -> Result<(), OpenError> {
    if is_current(connection).await? {
        return Ok(());
    }
    // Postgres ends the wait, both for the advisory lock and for the tables. 0 would be no limit.
    let milliseconds = i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1);
    let set_limit =
        sqlx::query("select set_config('lock_timeout', $1, false)").bind(milliseconds.to_string());
    set_limit.execute(&mut *connection).await.map_err(|error| refused(error, limit))?;
    let waiting = "waiting for the migration lock: another server brings the schema up to date, or was stopped \
         during a migration and its connection is still open";
    let locked = with_notice(limit, waiting, connection.lock()).await;
    locked.map_err(|error| failed(error, limit))?;
    // The holder of the lock may have migrated in the meantime.
    if is_current(connection).await? {
        return Ok(());
    }
    // `run_direct` is `run` with a future that is `Send`.
    let migrating = "bringing the schema up to date; this waits for transactions that use its tables";
    let done = with_notice(limit, migrating, MIGRATIONS.run_direct(None, connection, false)).await;
    done.map_err(|error| failed(error, limit))
}

/// Returns whether no migration is missing.
async fn is_current(connection: &mut PgConnection) -> Result<bool, OpenError> {
    let is_recorded = "select to_regclass('_sqlx_migrations') is not null";
    if !sqlx::query_scalar(is_recorded).fetch_one(&mut *connection).await.map_err(unreadable)? {
        return Ok(false);
    }
    let applied = sqlx::query(APPLIED).fetch_all(&mut *connection).await;
    let applied = applied.map_err(|error| refused(error, Duration::ZERO))?;
    let applied = applied.iter().map(applied_migration).collect::<Result<Vec<_>, Error>>();
    Ok(migrations::missing(&applied.map_err(unreadable)?, &MIGRATIONS)?.is_empty())
}

fn unreadable(error: Error) -> OpenError {
    OpenError::Database(source(error))
}

/// Reads a row of [`APPLIED`].
pub(in crate::store::sql) fn applied_migration(row: &PgRow) -> Result<Applied, Error> {
    Ok(Applied { version: row.try_get(0)?, checksum: row.try_get(1)?, success: row.try_get(2)? })
}

/// Runs `work`, and logs `notice` if it takes longer than [`NOTICE_AFTER`].
async fn with_notice<T>(limit: Duration, notice: &str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    match timeout(NOTICE_AFTER, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            tracing::warn!(target: MIGRATION_TARGET, limit_s = limit.as_secs(), "{notice}");
            work.await
        }
    }
}

fn failed(error: MigrateError, limit: Duration) -> OpenError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => refused(error, limit),
        error => OpenError::migration(error),
    }
}

/// Converts an error of a statement that reads or changes the schema.
fn refused(error: Error, limit: Duration) -> OpenError {
    match state(&error).as_deref() {
        Some("55P03") => OpenError::MigrationLocked(limit, source(error)),
        Some("42501") => OpenError::Privileges(source(error)),
        Some("3F000") => OpenError::NoSchema(source(error)),
        _ if is_read_only(&error) => OpenError::ReadOnlyServer,
        _ if is_shared_connection(&error) => OpenError::TransactionPooled,
        _ => OpenError::Migration(source(error)),
    }
}
