//! Detects a connection pooler in transaction mode or in statement mode.
//!
//! Such a pooler runs each transaction on any of its connections to the server. So a client can get the settings, the
//! prepared statements and the migration lock of another client.

use super::{connection::ACQUIRE_TIMEOUT, failure::state};
use sqlx::{Error, PgConnection, Row as _};
use tokio::time::timeout;

/// SQLSTATE `protocol_violation`: the answer of PgBouncer in statement mode to `begin`.
const PROTOCOL_VIOLATION: &str = "08P01";

/// How often the two connections are compared.
///
/// A busy pooler can give them different backends of the server by chance.
const ATTEMPTS: usize = 3;

/// Returns whether a pooler shares backends of the server between two connections.
///
/// Without sharing, the first connection keeps its backend while the second one is in a transaction, and the second one
/// has a different backend. The statements use the simple protocol, which prepares nothing.
pub(in crate::store::sql) async fn is_transaction_pooled(
    first: &mut PgConnection,
    second: &mut PgConnection,
) -> Result<bool, Error> {
    let mut before = backend(first, "select pg_backend_pid()").await?;
    for _ in 0..ATTEMPTS {
        let begun = backend(second, "begin; select pg_backend_pid()");
        let other = match timeout(ACQUIRE_TIMEOUT, begun).await {
            // The pooler has only one backend, which the first connection keeps.
            Err(_) => return Ok(false),
            Ok(Err(error)) if state(&error).as_deref() == Some(PROTOCOL_VIOLATION) => return Ok(true),
            Ok(other) => other?,
        };
        let after = backend(first, "select pg_backend_pid()").await?;
        sqlx::raw_sql("rollback").execute(&mut *second).await?;
        if other == before || after != before {
            return Ok(true);
        }
        before = after;
    }
    Ok(false)
}

/// Runs statements, the last of which returns the process id of the backend.
async fn backend(connection: &mut PgConnection, statements: &'static str) -> Result<i32, Error> {
    let rows = sqlx::raw_sql(statements).fetch_all(connection).await?;
    rows.last().ok_or(Error::RowNotFound)?.try_get(0)
}
