//! `chat-server restore BACKUP`.

use super::{
    common::Common,
    database_url::{self, DatabaseUrl},
    output,
};
use anyhow::{Error, Result};
use chat_core::store::sql::{self, Address, RestoreError, ServerLock};
use std::path::PathBuf;

/// The arguments of `restore`.
#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    /// Backup to restore: a file that `backup` wrote; it is not changed.
    backup: PathBuf,
}

/// Replaces the database with a copy of the backup.
///
/// Prints the new paths of the old files.
pub(super) async fn run(common: &Common, RestoreArgs { backup }: &RestoreArgs) -> Result<()> {
    let url = &common.database_url;
    let _lock = match url.parse()? {
        Address::File(path, _) => Some(ServerLock::take(path).await?),
        _ => None,
    };
    let restored = sql::restore(url.expose(), backup).await.map_err(|error| failed(error, url))?;
    let kept: Vec<_> = restored.kept.iter().map(|file| file.display().to_string()).collect();
    let kept = match &*kept {
        [] => "there were no old files".to_owned(),
        kept => format!("the old files are kept as {}", kept.join(" and ")),
    };
    output::line(&format!("{url} holds the data of {}; {kept}", backup.display()))
}

/// Converts an error.
///
/// If the database is unchanged, the text of the new error says so.
fn failed(error: RestoreError, url: &DatabaseUrl) -> Error {
    match error {
        RestoreError::Database(error) => database_url::failed(error),
        RestoreError::Leftover(..) => error.into(),
        _ => Error::from(error).context(format!("{url} is unchanged")),
    }
}
