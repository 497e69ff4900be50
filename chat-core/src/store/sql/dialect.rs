//! What the two databases do not share.

use super::{
    catalogue::Own,
    failure::Kind,
    value::{Arg, Cells},
};
use crate::store::StoreError;
use sqlx::{Database, Error, Pool};
use std::{path::Path, time::Duration};

/// A database the store can work on. Everything that is not here is written once, in the SQL both understand.
pub(crate) trait Dialect: Database<Row: Cells> {
    /// Whether several nodes may work on one database.
    const SHARED: bool;
    /// What reads on the thread that asks, where that can be done.
    type Here: std::fmt::Debug + Send + Sync;
    /// How long to wait for an answer, where the database is elsewhere and may be gone without a word.
    const PATIENCE: Option<Duration>;
    /// Begins a transaction that writes.
    const BEGIN: &'static str;
    /// The statements whose text differs.
    const OWN: Own;

    /// The arguments of a statement in the driver's own form.
    fn arguments(args: &[Arg<'_>]) -> Result<Self::Arguments, Error>;

    /// Runs a statement and takes all its rows.
    fn rows(
        connection: &mut Self::Connection,
        sql: &'static str,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Vec<Self::Row>, Error>> + Send;

    /// Runs a statement and says how many rows it changed.
    fn run(
        connection: &mut Self::Connection,
        sql: &'static str,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Runs a statement that reads on this thread and gives its rows to `take`; `false` when that is not to be
    /// done, whatever was taken so far.
    fn read_here(
        here: &Self::Here,
        sql: &'static str,
        args: &[Arg<'_>],
        take: &mut dyn FnMut(&dyn Cells) -> Result<(), Error>,
    ) -> bool;

    /// Closes what reads on the threads that ask.
    fn close_here(here: &Self::Here);

    /// What an error means.
    fn kind(error: &Error) -> Kind;

    /// Writes a consistent copy of the database to a file that is not there yet.
    fn backup(pool: &Pool<Self>, to: &Path) -> impl Future<Output = Result<(), StoreError>> + Send;
}
