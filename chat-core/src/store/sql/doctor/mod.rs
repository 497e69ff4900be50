//! Looking over a database without touching it: is it whole, does it add up, is it set up well.

mod books;
mod finding;
#[cfg(feature = "postgres")]
mod postgres;
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use finding::{Finding, Level};

use super::{OpenError, Options};
use crate::{api::Timestamp, clock::Clock as _, clock::SystemClock};

/// Examines the database at `url`, also beside a server that uses it with these options, and says what it looked at and
/// found. Nothing is changed, made or migrated. Everything is read, which takes a while where there is much of it.
///
/// # Errors
/// When the database cannot be opened.
pub async fn examine(url: &str, options: &Options) -> Result<Vec<Finding>, OpenError> {
    if let Some(place) = url.strip_prefix("sqlite:") {
        return of_sqlite(place.strip_prefix("//").unwrap_or(place)).await;
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return of_postgres(url, options).await;
    }
    Err(OpenError::Address)
}

#[cfg(feature = "sqlite")]
async fn of_sqlite(place: &str) -> Result<Vec<Finding>, OpenError> {
    match place {
        "" => Err(OpenError::Address),
        ":memory:" => Ok(Vec::new()),
        path => sqlite::examine(path.into()).await,
    }
}

#[cfg(not(feature = "sqlite"))]
async fn of_sqlite(_: &str) -> Result<Vec<Finding>, OpenError> {
    Err(OpenError::NotBuiltIn("SQLite"))
}

#[cfg(feature = "postgres")]
async fn of_postgres(url: &str, options: &Options) -> Result<Vec<Finding>, OpenError> {
    postgres::examine(url, options).await
}

#[cfg(not(feature = "postgres"))]
async fn of_postgres(_: &str, _: &Options) -> Result<Vec<Finding>, OpenError> {
    Err(OpenError::NotBuiltIn("Postgres"))
}

/// How far clocks may be apart, in microseconds.
const CLOCKS: i64 = 2_000_000;

/// Whether the newest thing there is was made in the past.
fn newest(newest: Option<i64>) -> Finding {
    let now = SystemClock.now();
    match newest.map(Timestamp::from_micros) {
        Some(newest) if newest.as_micros() > now.as_micros() + CLOCKS => Finding::problem(
            "clock",
            format!("the newest entry was made at {newest}, and now it is {now}"),
            "set this machine's clock, and keep it right with NTP: messages are dated by it",
        ),
        Some(newest) => Finding::ok("clock", format!("the newest entry was made at {newest}, before now")),
        None => Finding::ok("clock", "there is nothing that could be newer than now"),
    }
}
