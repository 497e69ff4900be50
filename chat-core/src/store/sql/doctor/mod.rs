//! Examines the integrity, invariants and settings of a database.
//!
//! Changes nothing.

mod checks;
mod finding;
#[cfg(feature = "postgres")]
mod postgres;
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use finding::{Finding, Level};

use super::{OpenError, Options};
use crate::{api::Timestamp, clock::Clock as _, clock::SystemClock};

/// Examines the database at `url` and returns the finding of each check.
///
/// `options` are those of the server that uses the database. The server may be running. Nothing is changed, created or
/// migrated. Every row is read, so the duration grows with the database. For `sqlite::memory:` there are no findings.
///
/// # Errors
/// The [`OpenError`] that says why the database cannot be opened or read. A damaged SQLite file is a finding instead.
pub async fn examine(url: &str, options: &Options) -> Result<Vec<Finding>, OpenError> {
    if let Some(place) = url.strip_prefix("sqlite:") {
        return examine_sqlite(place.strip_prefix("//").unwrap_or(place)).await;
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return examine_postgres(url, options).await;
    }
    Err(OpenError::Address)
}

#[cfg(feature = "sqlite")]
async fn examine_sqlite(place: &str) -> Result<Vec<Finding>, OpenError> {
    match place {
        "" => Err(OpenError::Address),
        ":memory:" => Ok(Vec::new()),
        path => sqlite::examine(path.into()).await,
    }
}

#[cfg(not(feature = "sqlite"))]
async fn examine_sqlite(_: &str) -> Result<Vec<Finding>, OpenError> {
    Err(OpenError::NotBuiltIn("SQLite"))
}

#[cfg(feature = "postgres")]
async fn examine_postgres(url: &str, options: &Options) -> Result<Vec<Finding>, OpenError> {
    postgres::examine(url, options).await
}

#[cfg(not(feature = "postgres"))]
async fn examine_postgres(_: &str, _: &Options) -> Result<Vec<Finding>, OpenError> {
    Err(OpenError::NotBuiltIn("Postgres"))
}

/// The largest accepted difference between two clocks, in microseconds.
const MAX_CLOCK_DIFFERENCE: i64 = 2_000_000;

/// Returns the finding on whether the newest row was added in the past.
fn newest(newest: Option<i64>) -> Finding {
    let now = SystemClock.now();
    match newest.map(Timestamp::from_micros) {
        Some(newest) if newest.as_micros() > now.as_micros() + MAX_CLOCK_DIFFERENCE => Finding::problem(
            "clock",
            format!("the newest row was added at {newest}, but the clock of this machine shows {now}"),
            "set the clock of this machine and synchronise it with NTP: this clock sets the times of messages",
        ),
        Some(newest) => Finding::ok("clock", format!("the newest row was added at {newest}, before now")),
        None => Finding::ok("clock", "the database has no row that could be newer than now"),
    }
}
