//! What an examination finds.

use serde::Serialize;

/// One thing that was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, in a word.
    pub subject: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found, in a line.
    pub text: String,
    /// What to do about it, in a line, where there is something to do.
    pub advice: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, but somebody should know.
    Warning,
    /// It does not work, or will not for long.
    Problem,
}

impl Finding {
    /// All is well.
    pub fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self { subject, level: Level::Ok, text: text.into(), advice: None }
    }

    /// Somebody should know.
    pub fn warning(subject: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { subject, level: Level::Warning, text: text.into(), advice: Some(advice.into()) }
    }

    /// Somebody has to do something.
    pub fn problem(subject: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { subject, level: Level::Problem, text: text.into(), advice: Some(advice.into()) }
    }
}
