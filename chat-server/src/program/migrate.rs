//! `chat-server migrate`.

use super::{
    common::Common,
    database, output,
    signals::{self, Hangup},
};
use anyhow::{Context, Result, bail};

/// Opens the database, which brings its schema up to date.
pub(super) async fn run(common: &Common) -> Result<()> {
    // Without a handler, a signal would not end the process if it is process 1 of a container.
    let stop = signals::stop(Hangup::Stops).context("cannot install a signal handler")?;
    tokio::select! {
        store = database::open(common) => store?.close().await,
        () = stop => bail!("the schema may not be up to date: the command was stopped"),
    }
    output::line(&format!("the schema of {} is up to date", common.database_url))
}
