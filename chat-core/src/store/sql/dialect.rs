//! What the two databases do not share.

use super::{
    failure::{Failure, Kind},
    statements::DialectSql,
    value::{Arg, Cells},
};
use crate::store::StoreError;
use sqlx::{Database, Error, Pool};
use std::{fmt::Debug, path::Path};

/// A database the store can work on. Everything that is not here is written once, in the SQL both understand.
pub(crate) trait Dialect: Database<Row: Cells> {
    /// Whether several nodes may work on one database.
    const SHARED: bool;
    /// What reads on the thread that asks, where that can be done.
    type Here: Debug + Clone + Send + Sync;
    /// What transactions that write are begun with.
    type Writer: Debug + Clone + Send + Sync;
    /// A transaction that writes. Dropped, it is rolled back.
    type Tx: Send;
    /// A row that such a transaction read.
    type TxRow: Cells + Send;
    /// The statements whose text differs.
    const SQL: DialectSql;

    /// Does a step that writes where it keeps nobody from other work.
    fn aside<T: Send + 'static>(
        writer: &Self::Writer,
        step: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, Error>> + Send;

    /// Begins a transaction that writes, in a step that is done [`aside`](Self::aside).
    fn begin(writer: &Self::Writer) -> impl Future<Output = Result<Self::Tx, Failure>> + Send;

    /// Lets a transaction take as long as it likes, on this side of the connection.
    fn enter_bulk_mode(tx: &mut Self::Tx);

    /// Runs a statement and takes all its rows.
    fn rows(
        tx: &mut Self::Tx,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> impl Future<Output = Result<Vec<Self::TxRow>, Error>> + Send;

    /// Runs a statement and says how many rows it changed.
    fn run(
        tx: &mut Self::Tx,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Makes a transaction's changes durable.
    fn commit(tx: Self::Tx) -> impl Future<Output = Result<(), Error>> + Send;

    /// Undoes a transaction's changes.
    fn rollback(tx: Self::Tx) -> impl Future<Output = Result<(), Error>> + Send;

    /// Ends what writes, when it has done what was asked before.
    fn close_writer(writer: &Self::Writer) -> impl Future<Output = ()> + Send;

    /// Runs a statement that reads and takes all its rows.
    fn read(
        pool: &Pool<Self>,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, Failure>> + Send;

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
