//! `chat-server doctor`.

mod files;
mod report;
mod settings;

use super::{common::Common, serve::ServeArgs};
use anyhow::{Result, bail};
use chat_core::store::sql::{self, Finding, Level, OpenError};
use clap::builder::BoolishValueParser;

/// What is looked at: the database, its files, this machine, and the settings a server would be started with.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// Print {"findings":[{"subject":…,"level":"ok"|"warning"|"problem","text":…,"advice":…|null}],…}.
    #[arg(long, env = "CHAT_JSON", value_parser = BoolishValueParser::new())]
    json: bool,

    #[command(flatten)]
    serve: ServeArgs,
}

/// Looks, says what it found, and fails when something has to be done.
pub(super) async fn run(common: &Common, args: &DoctorArgs) -> Result<()> {
    let url = &common.database_url;
    let mut found = settings::examine(url, &args.serve);
    if let Some(file) = url.file() {
        found.extend(files::examine(file));
    }
    match sql::examine(url.expose(), &args.serve.database()).await {
        Ok(more) => found.extend(more),
        Err(error @ OpenError::Address) => return Err(super::Usage(error.to_string()).into()),
        Err(error) => found.push(unopened(&error)),
    }
    report::print(&found, args.json)?;
    let problems = found.iter().filter(|finding| finding.level == Level::Problem).count();
    match problems {
        0 => Ok(()),
        1 => bail!("there is a problem; what to do stands below it"),
        n => bail!("there are {n} problems; what to do stands below each"),
    }
}

/// A database that cannot be opened. The error's text has the advice in it, unless it is the database's own.
fn unopened(error: &OpenError) -> Finding {
    let text = error.to_string();
    match text.rsplit_once(": ") {
        Some((text, advice)) if !matches!(error, OpenError::Database(_)) => {
            Finding::problem("database", text, advice)
        }
        _ => Finding::problem("database", text, "see what the database's own log says of it"),
    }
}
