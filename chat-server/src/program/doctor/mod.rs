//! `chat-server doctor`: checks the database, its files, this machine and the settings.

mod files;
mod report;
mod settings;

use super::{common::Common, failure::Usage, serve::ServeArgs};
use anyhow::{Result, bail};
use chat_core::store::sql::{self, Finding, Level, OpenError};
use clap::builder::BoolishValueParser;

/// The options of `doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// Print {"findings":[{"subject":...,"level":"ok"|"warning"|"problem","text":...,"advice":...|null}],...}.
    #[arg(long, env = "CHAT_JSON", value_parser = BoolishValueParser::new())]
    json: bool,

    #[command(flatten)]
    serve: ServeArgs,
}

/// Runs all checks and prints the findings.
///
/// # Errors
/// Fails if there is a problem.
pub(super) async fn run(common: &Common, args: &DoctorArgs) -> Result<()> {
    let url = &common.database_url;
    let mut findings = settings::examine(url, &args.serve);
    if let Some(file) = url.file() {
        findings.extend(files::examine(file));
    }
    match sql::examine(url.expose(), &args.serve.database()).await {
        Ok(more) => findings.extend(more),
        Err(error @ OpenError::Address) => return Err(Usage(error.to_string()).into()),
        Err(error) => findings.push(cannot_open(&error)),
    }
    report::print(&findings, args.json)?;
    let problems = findings.iter().filter(|finding| finding.level == Level::Problem).count();
    match problems {
        0 => Ok(()),
        1 => bail!("doctor found 1 problem; follow the advice below it"),
        n => bail!("doctor found {n} problems; follow the advice below each"),
    }
}

/// Returns the finding for a database that cannot be opened.
///
/// The text of the error ends with the advice, unless it is the database's own.
fn cannot_open(error: &OpenError) -> Finding {
    let text = error.to_string();
    match text.rsplit_once(": ") {
        Some((text, advice)) if !matches!(error, OpenError::Database(_)) => {
            Finding::problem("database", text, advice)
        }
        _ => Finding::problem("database", text, "look into the log of the database"),
    }
}
