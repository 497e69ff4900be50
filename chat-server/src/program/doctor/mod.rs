//! `chat-server doctor`: checks the database, its files, the machine, the settings.

mod files;
mod report;
mod settings;

use super::{
    advice,
    common::Common,
    database_url::{failed, is_wrong_address},
    path_checks,
    serve::ServeArgs,
};
use anyhow::{Result, bail};
use chat_core::{
    error_chain,
    store::sql::{self, Finding, Level, OpenError},
};
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
        findings.extend(path_checks::examine(file));
    }
    match sql::examine(url.expose(), &args.serve.database(common)).await {
        Ok(more) => findings.extend(more.into_iter().map(advice::complete)),
        Err(error) if is_wrong_address(&error) => return Err(failed(error)),
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
fn cannot_open(error: &OpenError) -> Finding {
    let advice = advice::of_open_error(error).unwrap_or_else(|| "read the log of the database".to_owned());
    Finding::problem("database", error_chain(error).to_string(), advice)
}
