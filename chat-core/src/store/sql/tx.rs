//! What a transaction can do, and the outcome of its closure.

use super::{
    failure::{Failure, Internal},
    statements::DialectSql,
    value::{Arg, Columns, Table},
};

/// The result of a transaction's closure: whether its changes are committed.
#[derive(Debug)]
pub(crate) enum TxOutcome<T> {
    /// Commit the changes, then return the value.
    Commit(T),
    /// Roll back, then return the value.
    ///
    /// Nothing was changed, or the changes are to be discarded.
    RollBack(T),
}

impl<T> TxOutcome<T> {
    /// Returns the value.
    pub(crate) fn into_value(self) -> T {
        match self {
            Self::Commit(value) | Self::RollBack(value) => value,
        }
    }
}

/// Begins and ends transactions.
///
/// Only [`transaction`](super::transaction) uses it. A step gets a [`Transaction`], which it cannot commit.
pub(crate) trait TransactionControl {
    /// Begins the transaction.
    fn begin(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Commits the transaction.
    fn commit(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Rolls the transaction back.
    fn roll_back(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// A transaction that writes.
///
/// On Postgres, a single statement can also write and commit by itself. There is no other way to write.
pub(crate) trait Transaction: Send {
    /// Whether several nodes can use one database.
    const SHARED: bool;
    /// The statements whose text differs between the databases.
    const SQL: DialectSql;
    /// A row of a result.
    type Row: Columns + Send;

    /// Removes the timeout of statements and allows plans that suit many rows.
    ///
    /// These settings last until the end of the transaction.
    fn enter_bulk_mode(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Runs a statement and returns its rows.
    fn rows(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, Failure>> + Send;

    /// Runs a statement and returns the number of rows that it changed.
    fn run(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Runs a statement on a table of rows.
    ///
    /// Returns the number of rows that it changed.
    fn run_table(
        &mut self,
        sql: &'static str,
        table: &Table<'_>,
    ) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Runs a statement that changes one row for each row of a table.
    ///
    /// # Errors
    /// [`Internal::RowCount`] if it changed more or fewer rows.
    fn run_whole_table(
        &mut self,
        sql: &'static str,
        table: &Table<'_>,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        async move { expect_rows(table.len() as u64, self.run_table(sql, table).await?) }
    }

    /// Runs a statement that changes exactly one row.
    ///
    /// # Errors
    /// [`Internal::RowCount`] if it changed more or fewer rows.
    fn run_one(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        async move { expect_rows(1, self.run(sql, args).await?) }
    }

    /// Runs a statement and returns its first row.
    fn first(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> impl Future<Output = Result<Option<Self::Row>, Failure>> + Send {
        async move { Ok(self.rows(sql, args).await?.into_iter().next()) }
    }

    /// Runs a statement that always returns a row.
    fn one(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> impl Future<Output = Result<Self::Row, Failure>> + Send {
        async move { self.first(sql, args).await?.ok_or_else(|| Internal::NoRow.into()) }
    }

    /// Runs a statement that only one of the databases has.
    fn run_optional(
        &mut self,
        sql: Option<&'static str>,
    ) -> impl Future<Output = Result<(), Failure>> + Send {
        async move {
            if let Some(sql) = sql {
                self.run(sql, &[]).await?;
            }
            Ok(())
        }
    }
}

fn expect_rows(expected: u64, changed: u64) -> Result<(), Failure> {
    if changed == expected { Ok(()) } else { Err(Internal::RowCount { expected, changed }.into()) }
}
