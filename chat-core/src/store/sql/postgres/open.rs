//! Opens a Postgres database: its server, its schema and its pool of connections.

use super::{
    Postgres,
    address::{PostgresAddress, address},
    connection::{ACQUIRE_TIMEOUT, PING_TIMEOUT},
    failure::{is_shared_connection, source, state},
    is_transaction_pooled,
    migrate::migrate,
    privileges::check_privileges,
    read_only::StaleConnections,
};
use crate::{
    runtime::RuntimeLiveness,
    store::sql::{OpenError, Options},
};
use sqlx::{
    ConnectOptions as _, Connection as _, Error, PgConnection, PgPool, Row as _, postgres::PgPoolOptions,
};
use std::{io::ErrorKind, sync::Arc, time::Duration};
use tokio::time::timeout;

/// The oldest major version of Postgres that the store is tested on.
pub(in crate::store::sql) const OLDEST_VERSION: i32 = 15;
/// The encoding that a database must have. No other one can store every text.
pub(in crate::store::sql) const ENCODING: &str = "UTF8";

/// The idle time after which a connection is pinged before it is used.
const PING_AFTER: Duration = Duration::from_secs(1);
/// The largest number of connections: that of Postgres itself.
const MAX_CONNECTIONS: u32 = 262_143;

/// Opens a connection outside the pool, without any settings.
///
/// A setting would change the connection of another client if a pooler shares it.
pub(in crate::store::sql) async fn connect_unpooled(
    address: &PostgresAddress,
) -> Result<PgConnection, OpenError> {
    let connected = timeout(ACQUIRE_TIMEOUT, address.connect_options.connect()).await;
    connected.map_err(|late| OpenError::Unreachable(Arc::new(late)))?.map_err(open_error)
}

/// Opens a Postgres database and brings its schema up to date.
pub(in crate::store::sql) async fn open(url: &str, options: &Options) -> Result<Postgres, OpenError> {
    let address = address(url)?;
    let runtime = Arc::new(RuntimeLiveness::current().map_err(OpenError::database)?);
    let mut first = connect_unpooled(&address).await?;
    let stale = Arc::new(StaleConnections::new());
    let prepared = prepare(&mut first, &address, options.migrate_timeout).await;
    // Closing the connection releases the migration lock, even after a failure.
    first.close().await.ok();
    prepared?;
    let pool = pool(address, options, stale.clone());
    if let Err(error) = pool.acquire().await {
        pool.close().await;
        return Err(open_error(error));
    }
    Ok(Postgres { pool, stale, runtime })
}

/// Checks the server, and brings the schema up to date.
async fn prepare(
    first: &mut PgConnection,
    address: &PostgresAddress,
    migrate_timeout: Duration,
) -> Result<(), OpenError> {
    refuse_unsuitable(first).await?;
    // If the server allows only one connection, a pooler cannot share several.
    if let Ok(mut second) = connect_unpooled(address).await {
        let pooled = is_transaction_pooled(first, &mut second).await;
        // The server frees the connection's place before the pool needs it.
        second.close().await.ok();
        if pooled.map_err(open_error)? {
            return Err(OpenError::TransactionPooled);
        }
    }
    address.settings.set_without_limits(first).await.map_err(open_error)?;
    migrate(first, migrate_timeout).await?;
    check_privileges(first).await
}

/// Refuses a server that is too old or read-only, and a database that is not UTF-8.
async fn refuse_unsuitable(connection: &mut PgConnection) -> Result<(), OpenError> {
    let settings = "select current_setting('server_version_num')::int, current_setting('server_encoding'), \
         current_setting('transaction_read_only') = 'on'";
    let row = sqlx::raw_sql(settings).fetch_one(connection).await.map_err(open_error)?;
    let read = || Ok::<_, Error>(suitable(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
    read().map_err(|error| OpenError::Database(source(error)))?
}

/// Checks the version of a server, and the encoding and the mode of a database.
fn suitable(version: i32, encoding: String, read_only: bool) -> Result<(), OpenError> {
    let major = version / 10_000;
    if major < OLDEST_VERSION {
        return Err(OpenError::OldServer { found: major, oldest: OLDEST_VERSION });
    }
    if encoding != ENCODING {
        return Err(OpenError::Encoding(encoding));
    }
    if read_only { Err(OpenError::ReadOnlyServer) } else { Ok(()) }
}

/// Returns the pool of the store. It opens no connection yet.
fn pool(address: PostgresAddress, options: &Options, stale: Arc<StaleConnections>) -> PgPool {
    let settings = Arc::new(address.settings);
    PgPoolOptions::new()
        .max_connections(options.postgres_connections.clamp(1, MAX_CONNECTIONS))
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A connection is pinged after an idle time, so that a restart of the server in that time does not fail the
        // next request. Other connections are not pinged. If such a connection is broken, its next statement fails.
        .test_before_acquire(false)
        .before_acquire(move |connection, meta| {
            let is_stale = stale.include(meta.age);
            Box::pin(async move {
                if !is_stale && meta.idle_for >= PING_AFTER {
                    let pong = timeout(PING_TIMEOUT, connection.ping()).await;
                    pong.map_err(|_| Error::Io(ErrorKind::TimedOut.into()))??;
                }
                Ok(!is_stale)
            })
        })
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move { settings.set_for_pool(connection).await })
        })
        .connect_lazy_with(address.connect_options)
}

/// Converts an error of connecting, or of the first statements.
pub(in crate::store::sql) fn open_error(error: Error) -> OpenError {
    match state(&error).as_deref() {
        Some("42501") => OpenError::Privileges(source(error)),
        Some("3D000") => OpenError::NoSuchDatabase,
        Some(state) if state.starts_with("28") => OpenError::Refused(source(error)),
        Some(_) if is_shared_connection(&error) => OpenError::TransactionPooled,
        Some(_) => OpenError::Database(source(error)),
        None if is_of_tls(&error) => OpenError::Tls(source(error)),
        None => OpenError::Unreachable(source(error)),
    }
}

/// Returns whether TLS is the reason why the driver could not connect.
fn is_of_tls(error: &Error) -> bool {
    match error {
        // If the driver cannot read a key or a certificate, it reports an error of its configuration.
        Error::Tls(_) | Error::Configuration(_) => true,
        // If the TLS library does not accept a certificate, it reports invalid data.
        Error::Io(error) => error.kind() == ErrorKind::InvalidData,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsuitable_server_or_database_is_refused() {
        let utf8 = || "UTF8".to_owned();
        assert!(suitable(150_004, utf8(), false).is_ok());
        assert!(matches!(suitable(140_011, utf8(), false), Err(OpenError::OldServer { found: 14, .. })));
        assert!(matches!(suitable(180_000, "SQL_ASCII".to_owned(), false), Err(OpenError::Encoding(_))));
        assert!(matches!(suitable(180_000, utf8(), true), Err(OpenError::ReadOnlyServer)));
    }
}
