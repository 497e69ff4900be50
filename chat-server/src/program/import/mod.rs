//! `chat-server import …`: takes over the data of another service.

mod django;
mod dump;
mod fields;
#[cfg(test)]
mod hostile;
mod report;
#[cfg(test)]
mod tests;

use super::{common::Common, database, output};
use anyhow::{Context, Result, bail};
use chat_core::{
    Error,
    clock::{Clock, SystemClock},
    store::ImportOutcome,
};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Where the data may come from.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ImportCommand {
    /// Take over users, tokens, threads and messages from the JSON that Django's dumpdata writes.
    ///
    /// All or nothing, into a database without users; ids, passwords and tokens stay as they are. The same file
    /// again changes nothing. For example, where the old service runs:
    ///
    ///     python manage.py dumpdata auth.user authtoken chat > dump.json
    #[command(verbatim_doc_comment)]
    Django {
        /// The file; - for standard input.
        file: PathBuf,
    },
}

/// Does it. The file is read and checked before the database is so much as opened.
pub(super) async fn run(common: &Common, command: ImportCommand) -> Result<()> {
    let ImportCommand::Django { file } = command;
    let source = open(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let (import, report) = django::read(source, SystemClock.now())
        .with_context(|| format!("nothing was imported from {}", file.display()))?;
    let chat = database::open(&common.database_url).await?;
    let outcome = chat.store().import(import).await.map_err(Error::from)?;
    chat.close().await;
    match outcome {
        ImportOutcome::Imported => output::line(&report.to_string()),
        ImportOutcome::AlreadyImported => {
            output::line(&format!("{} was imported before; nothing was changed", file.display()))
        }
        ImportOutcome::NotEmpty => bail!(
            "{} has users already, nothing was imported; name a new database with --database-url",
            common.database_url
        ),
    }
}

fn open(file: &Path) -> io::Result<Box<dyn Read>> {
    if file == Path::new("-") { Ok(Box::new(io::stdin())) } else { Ok(Box::new(File::open(file)?)) }
}
