//! The findings of an examination.

use crate::store::sql::Remedy;
use serde::Serialize;

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The subject of the check, in one word.
    pub subject: &'static str,
    /// The severity.
    pub level: Level,
    /// The result, in one line.
    pub text: String,
    /// What to do, in one line; `None` at [`Level::Ok`].
    pub advice: Option<String>,
    /// The operations and settings that the advice recommends, in order. They are not serialised.
    #[serde(skip)]
    pub remedies: &'static [Remedy],
}

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The check passed.
    Ok,
    /// The database works, but the operator should know about this.
    Warning,
    /// The database does not work, or will soon stop working.
    Problem,
}

impl Finding {
    /// Returns the finding of a check that passed.
    pub fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self { subject, level: Level::Ok, text: text.into(), advice: None, remedies: &[] }
    }

    /// Returns a finding that the operator should know about.
    pub fn warning(subject: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Warning, advice: Some(advice.into()), ..Self::ok(subject, text) }
    }

    /// Returns a finding that the operator has to act on.
    pub fn problem(subject: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Problem, advice: Some(advice.into()), ..Self::ok(subject, text) }
    }

    /// Sets the operations and settings that the advice recommends.
    #[must_use]
    pub fn with_remedies(self, remedies: &'static [Remedy]) -> Self {
        Self { remedies, ..self }
    }
}
