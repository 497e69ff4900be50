//! The advice of chat-core, with the commands and options of this program.
//!
//! chat-core names neither, because other programs use it too.

use chat_core::store::sql::{Finding, OpenError, Remedy, RestoreError};

/// Returns the advice on a database that cannot be opened.
pub(super) fn of_open_error(error: &OpenError) -> Option<String> {
    error.hint().map(|hint| with_commands(hint, error.remedies()))
}

/// Returns the advice on a backup that cannot be restored.
pub(super) fn of_restore_error(error: &RestoreError) -> Option<String> {
    error.hint().map(|hint| with_commands(hint, error.remedies()))
}

/// Adds the commands and options to the advice of a finding.
pub(super) fn complete(mut finding: Finding) -> Finding {
    let remedies = finding.remedies;
    finding.advice = finding.advice.map(|advice| with_commands(&advice, remedies));
    finding
}

fn with_commands(advice: &str, remedies: &[Remedy]) -> String {
    let mut text = advice.to_owned();
    for remedy in remedies {
        text.push_str("; ");
        text.push_str(match remedy {
            Remedy::Examine => "`chat-server doctor` examines a database",
            Remedy::Restore => "`chat-server restore BACKUP` restores a backup of an SQLite database",
            Remedy::Migrate => "`chat-server migrate` brings the schema up to date",
            Remedy::OtherDatabase => "--database-url names the database",
            Remedy::PostgresConnections => "--postgres-connections sets the number",
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_follow_the_advice() {
        let damaged = of_open_error(&OpenError::Damaged("chat.db".to_owned())).unwrap();
        let (advice, commands) = damaged.split_once("; `chat-server doctor` ").unwrap();
        assert!(advice.starts_with("examine it, and then restore"), "{damaged}");
        assert!(commands.contains("; `chat-server restore BACKUP` "), "{damaged}");
        assert_eq!(of_open_error(&OpenError::Address).as_deref(), OpenError::Address.hint());

        let finding = Finding::problem("a", "b", "lower it").with_remedies(&[Remedy::PostgresConnections]);
        let advice = complete(finding).advice;
        assert_eq!(advice.as_deref(), Some("lower it; --postgres-connections sets the number"));
        assert_eq!(complete(Finding::ok("a", "b")).advice, None);
    }
}
