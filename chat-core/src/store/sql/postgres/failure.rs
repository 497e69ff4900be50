//! Classifies the errors of the driver.

use crate::store::{
    Source,
    sql::failure::{Failure, Kind},
};
use sqlx::Error;
use std::sync::Arc;

/// SQLSTATE `read_only_sql_transaction`.
const READ_ONLY: &str = "25006";
/// SQLSTATEs `duplicate_prepared_statement` and `invalid_sql_statement_name`.
///
/// The driver prepares each statement once on a connection. So these errors show that another client uses the same
/// connection to the server.
const SHARED_CONNECTION: [&str; 2] = ["42P05", "26000"];

/// An error that the server reported.
///
/// Its detail is left out, because it can contain a row with the text of a message.
#[derive(Debug, thiserror::Error)]
#[error("{message} (SQLSTATE {state})")]
struct ServerError {
    state: String,
    message: String,
}

/// A connection pooler gave this connection to another client.
///
/// It did so between two statements.
#[derive(Debug, thiserror::Error)]
#[error(
    "a connection pooler in transaction mode is between this program and Postgres; \
     set its mode to session (PgBouncer: pool_mode = session)"
)]
struct SharedConnection(#[source] Source);

/// Converts an error of a statement into a failure.
pub(super) fn failed(error: Error) -> Failure {
    let (kind, is_shared) = (kind(&error), is_shared_connection(&error));
    let source = source(error);
    Failure::Statement(kind, if is_shared { Arc::new(SharedConnection(source)) } else { source })
}

/// Converts an error of the driver into one that contains no row.
pub(in crate::store::sql) fn source(error: Error) -> Source {
    match &error {
        Error::Database(reported) => Arc::new(ServerError {
            state: reported.code().unwrap_or_default().into_owned(),
            message: reported.message().to_owned(),
        }),
        _ => Arc::new(error),
    }
}

/// Returns the SQLSTATE of an error that the server reported.
pub(super) fn state(error: &Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// Returns whether the server refused to write on this connection.
pub(super) fn is_read_only(error: &Error) -> bool {
    is_state(error, &[READ_ONLY])
}

/// Returns whether another client uses the same connection to the server.
pub(super) fn is_shared_connection(error: &Error) -> bool {
    is_state(error, &SHARED_CONNECTION)
}

fn is_state(error: &Error, states: &[&str]) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|state| states.contains(&&*state))
}

/// Classifies an error of the driver.
fn kind(error: &Error) -> Kind {
    match error {
        Error::Database(error) => error.code().map_or(Kind::Fault, |state| kind_of_state(&state)),
        Error::Io(_)
        | Error::Tls(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::BeginFailed
        // A truncated response: the connection broke.
        | Error::Protocol(_) => Kind::Unavailable,
        _ => Kind::Fault,
    }
}

/// Classifies SQLSTATEs.
///
/// See <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn kind_of_state(state: &str) -> Kind {
    match state {
        "23505" => Kind::UniqueViolation,
        "23503" => Kind::ForeignKeyViolation,
        // Serialization failure, deadlock.
        "40001" | "40P01" => Kind::SerializationFailure,
        // A read-only transaction; a database that no longer exists; a statement that was cancelled by its timeout or
        // by an administrator; a lock that is not available; a transaction that was idle for too long.
        READ_ONLY | "3D000" | "57014" | "55P03" | "25P03" => Kind::Unavailable,
        // The statement was not run. On another connection it can succeed.
        _ if SHARED_CONNECTION.contains(&state) => Kind::Unavailable,
        // A connection failure; a lack of disk space, memory or connections; a server that stops or starts; an I/O
        // error.
        _ if ["08", "53", "57P", "58"].iter().any(|class| state.starts_with(class)) => Kind::Unavailable,
        _ => Kind::Fault,
    }
}
