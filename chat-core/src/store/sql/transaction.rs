//! Transactions that write: each runs one step, and is retried if necessary.

use super::{
    dialect::{Dialect, Retries},
    failure::Failure,
    tx::{TransactionControl, TxOutcome},
};
use futures_util::future::BoxFuture;

/// Runs `step` in a transaction of `database` and returns its value.
///
/// [`run`] has the details.
#[cfg(feature = "sqlite")]
pub(super) async fn transaction<D, I, T, F>(database: &D, input: I, step: F) -> Result<T, Failure>
where
    D: Dialect,
    I: Send + Sync + 'static,
    T: Send + 'static,
    F: for<'t> Fn(&'t mut D::Tx, &'t I) -> BoxFuture<'t, Result<TxOutcome<T>, Failure>>
        + Send
        + Sync
        + 'static,
{
    Ok(run(database, input, step).await?.into_value())
}

/// Runs `step` in a transaction, and commits or rolls back by its outcome.
///
/// After a serialization failure the step is retried, so it must depend on `input` alone. If the returned future is
/// dropped, the transaction runs to completion on SQLite and is rolled back on Postgres.
pub(super) async fn run<D, I, T, F>(database: &D, input: I, step: F) -> Result<TxOutcome<T>, Failure>
where
    D: Dialect,
    I: Send + Sync + 'static,
    T: Send + 'static,
    F: for<'t> Fn(&'t mut D::Tx, &'t I) -> BoxFuture<'t, Result<TxOutcome<T>, Failure>>
        + Send
        + Sync
        + 'static,
{
    let done = database.with_transaction(move |tx| {
        Box::pin(async move {
            let mut retries = Retries::new();
            loop {
                match attempt(tx, &input, &step).await {
                    Err(failure) if retries.allow(&failure) => {}
                    done => return done,
                }
            }
        })
    });
    done.await
}

async fn attempt<X, I, T, F>(tx: &mut X, input: &I, step: &F) -> Result<TxOutcome<T>, Failure>
where
    X: TransactionControl,
    F: for<'t> Fn(&'t mut X, &'t I) -> BoxFuture<'t, Result<TxOutcome<T>, Failure>>,
{
    tx.begin().await?;
    match step(tx, input).await {
        Ok(TxOutcome::Commit(value)) => {
            tx.commit().await?;
            Ok(TxOutcome::Commit(value))
        }
        Ok(TxOutcome::RollBack(value)) => {
            tx.roll_back().await?;
            Ok(TxOutcome::RollBack(value))
        }
        Err(failure) => {
            // A retry needs a confirmed rollback. An unavailable database cannot confirm it.
            if !failure.is_unavailable() {
                tx.roll_back().await?;
            }
            Err(failure)
        }
    }
}
