//! Prints the findings.

use super::super::output;
use anyhow::Result;
use chat_core::store::sql::{Finding, Level};
use chat_program::printable;
use serde::Serialize;

/// Width of the column with the level, in characters.
const LEVEL_WIDTH: usize = 9;

#[derive(Serialize)]
struct Report<'a> {
    findings: &'a [Finding],
    warnings: usize,
    problems: usize,
}

/// Prints all findings, in their order.
pub(super) fn print(findings: &[Finding], json: bool) -> Result<()> {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    if json {
        let (warnings, problems) = (count(Level::Warning), count(Level::Problem));
        return output::json(&Report { findings, warnings, problems });
    }
    findings.iter().try_for_each(|finding| output::line(&lines(finding)))
}

/// Formats a finding: one line, and one for the advice.
fn lines(Finding { subject, level, text, advice, .. }: &Finding) -> String {
    let level = match level {
        Level::Ok => "ok",
        Level::Warning => "warning",
        Level::Problem => "problem",
    };
    let line = format!("{level:<LEVEL_WIDTH$}{subject}: {}", printable(text));
    match advice {
        Some(advice) => format!("{line}\n{:LEVEL_WIDTH$}→ {}", "", printable(advice)),
        None => line,
    }
}
