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
#[cfg(feature = "sqlite")]
pub(super) mod sqlite_lists;

pub use finding::{Finding, Level};

use super::{Address, OpenError, Options};
use crate::{api::Timestamp, clock::Clock as _, clock::SystemClock, runtime};
use std::path::Path;

/// Examines the database at `url` and returns the finding of each check.
///
/// `options` are those of the server that uses the database. The server may be running. Nothing is changed, created or
/// migrated. Every row is read, so the duration grows with the database. For `sqlite::memory:` there are no findings.
///
/// # Errors
/// The [`OpenError`] that says why the database cannot be opened or read. A damaged SQLite file is a finding instead.
pub async fn examine(url: &str, options: &Options) -> Result<Vec<Finding>, OpenError> {
    runtime::current().map_err(OpenError::database)?;
    match Address::parse(url)? {
        Address::Memory => Ok(Vec::new()),
        Address::File(path, _) => examine_sqlite(path).await,
        Address::Postgres => examine_postgres(url, options).await,
    }
}

#[cfg(feature = "sqlite")]
async fn examine_sqlite(path: &Path) -> Result<Vec<Finding>, OpenError> {
    sqlite::examine(path.to_owned()).await
}

#[cfg(not(feature = "sqlite"))]
async fn examine_sqlite(_: &Path) -> Result<Vec<Finding>, OpenError> {
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

/// Fewer free ids than this are a warning.
const IDS_WARNING: i64 = 1 << 40;
/// Fewer free ids than this are a problem.
///
/// A busy server can use them up within two months.
const IDS_PROBLEM: i64 = 1 << 32;

/// Returns the finding on the number of free ids.
///
/// `last` has the name of each kind of ids, and the last id of that kind that was assigned.
fn ids<'a>(last: impl IntoIterator<Item = (&'a str, i64)> + Clone) -> Finding {
    let left = last.clone().into_iter().map(|(_, id)| i64::MAX - id).min().unwrap_or(i64::MAX);
    let last: Vec<_> = last.into_iter().map(|(kind, id)| format!("{kind} {id}")).collect();
    let text = format!("the last ids are: {}; there is room for {left} more", last.join(", "));
    let advice =
        "import the data again into a new database, with lower ids: new ids continue above the highest one";
    match left {
        ..IDS_PROBLEM => Finding::problem("ids", text, advice),
        IDS_PROBLEM..IDS_WARNING => Finding::warning("ids", text, advice),
        _ => Finding::ok("ids", text),
    }
}

/// The largest accepted difference between two clocks, in microseconds.
const MAX_CLOCK_DIFFERENCE: i64 = 2_000_000;

/// Returns the finding on whether the latest change was made in the past.
fn newest(newest: Option<i64>) -> Finding {
    let now = SystemClock.now();
    match newest.map(Timestamp::from_micros) {
        Some(newest) if newest.as_micros() > now.as_micros() + MAX_CLOCK_DIFFERENCE => Finding::problem(
            "clock",
            format!("the latest change was made at {newest}, but the clock of this machine shows {now}"),
            "synchronise the clock of this machine with NTP, because it sets the times of messages; if it is right \
             already, do nothing: it was ahead when that change was made",
        ),
        Some(newest) => Finding::ok("clock", format!("the latest change was made at {newest}, before now")),
        None => Finding::ok("clock", "the database has no row that could be newer than now"),
    }
}
