//! `chat-server backup FILE`.

use super::{
    common::Common,
    database,
    failure::hinted,
    output,
    signals::{self, Hangup},
};
use anyhow::{Context, Result, anyhow, bail};
use chat_core::{Error, store::StoreError};
use std::path::{Path, PathBuf};

/// The arguments of `backup`.
#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    /// File to write; must not exist yet.
    file: PathBuf,
}

/// Writes a copy of the database.
///
/// The store checks the copy, and then renames the copy to `file`.
pub(super) async fn run(common: &Common, BackupArgs { file }: &BackupArgs) -> Result<()> {
    let name = file.display();
    if file.parent().is_some_and(|folder| folder != Path::new("") && !folder.is_dir()) {
        return Err(hinted(anyhow!("there is no folder for {name}"), "create it, or name another file"));
    }
    let stop = signals::stop(Hangup::Stops).context("cannot install a signal handler")?;
    let chat = database::open_existing(common).await?;
    let written = tokio::select! {
        written = chat.store().backup(file) => written,
        () = stop => bail!("{name} was not written: the command was stopped"),
    };
    chat.close().await;
    match written {
        Ok(()) => output::line(&format!("{name} holds a copy of {}", common.database_url)),
        Err(StoreError::Conflict) => {
            Err(hinted(anyhow!("{name} exists already and was left as it is"), "name a new file"))
        }
        Err(error) => Err(Error::from(error)).with_context(|| format!("{name} was not written")),
    }
}
