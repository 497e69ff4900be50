//! `chat-server backup FILE`.

use super::{common::Common, database, output, signals};
use anyhow::{Context, Result, bail};
use chat_core::{Error, store::StoreError};
use std::path::{Path, PathBuf};

/// Where the copy goes.
#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    /// The file to write; there must be none of that name yet.
    file: PathBuf,
}

/// Writes the copy, which has been checked when it is there.
pub(super) async fn run(common: &Common, BackupArgs { file }: &BackupArgs) -> Result<()> {
    if file.parent().is_some_and(|folder| folder != Path::new("") && !folder.is_dir()) {
        bail!("there is no folder for {}; make it, or name another", file.display());
    }
    let name = file.display();
    let stopped = signals::stop().context("signals cannot be awaited")?;
    let chat = database::open_existing(&common.database_url).await?;
    let written = tokio::select! {
        written = chat.store().backup(file) => written,
        () = stopped => bail!("{name} was not written: the command was stopped"),
    };
    chat.close().await;
    match written {
        Ok(()) => output::line(&format!("{name} holds a copy of {}", common.database_url)),
        Err(StoreError::Conflict) => bail!("{name} is there already and was left as it is; name a new file"),
        Err(error) => Err(Error::from(error)).with_context(|| format!("{name} was not written")),
    }
}
