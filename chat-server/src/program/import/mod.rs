//! `chat-server import ...`: imports the data of another service.

mod django;
mod dump;
mod fields;
mod format;
#[cfg(test)]
mod hostile;
mod report;
#[cfg(test)]
mod tests;

use super::{common::Common, database, failure::hinted, output};
use anyhow::{Context, Result, anyhow};
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

/// The subcommands of `import`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ImportCommand {
    /// Import users, tokens, threads and messages from the JSON that Django's dumpdata writes.
    ///
    /// Imports all or nothing, into a database without users. Ids, passwords and tokens stay valid. Importing the
    /// same file again changes nothing. To write the file, on the machine of the old service:
    ///
    ///     python manage.py dumpdata auth.user authtoken chat > dump.json
    #[command(verbatim_doc_comment)]
    Django {
        /// File to import; - for standard input.
        file: PathBuf,
    },
}

/// Runs the subcommand.
///
/// Reads and checks the whole file before it opens the database.
pub(super) async fn run(common: &Common, command: ImportCommand) -> Result<()> {
    let ImportCommand::Django { file } = command;
    let source = open(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let (import, report) = django::read(source, SystemClock.now())
        .with_context(|| format!("nothing was imported from {}", file.display()))?;
    let chat = database::open(common).await?;
    let outcome = chat.store().import(import).await.map_err(Error::from)?;
    chat.close().await;
    match outcome {
        ImportOutcome::Imported => output::line(&report.to_string()),
        ImportOutcome::AlreadyImported => {
            output::line(&format!("{} was imported before; nothing was changed", file.display()))
        }
        ImportOutcome::NotEmpty => Err(hinted(
            anyhow!("{} has users already; nothing was imported", common.database_url),
            "name a new database with --database-url",
        )),
    }
}

fn open(file: &Path) -> io::Result<Box<dyn Read>> {
    if file == Path::new("-") { Ok(Box::new(io::stdin())) } else { Ok(Box::new(File::open(file)?)) }
}
