//! Which schema a database has, against those this program knows.

use super::Finding;
use crate::store::sql::migrations::{self, Applied};
use sqlx::migrate::Migrator;

const SUBJECT: &str = "schema";

/// What is to be said of a database's schema, and whether it is the one this program knows.
pub(super) fn judge(applied: &[Applied], known: &Migrator) -> (Finding, bool) {
    let newest = migrations::newest(known);
    let Some(last) = applied.last() else {
        return (nothing(), false);
    };
    if last.version > newest {
        let text = format!("version {}, and this program knows up to {newest}", last.version);
        return (Finding::problem(SUBJECT, text, "use a newer version of this program"), false);
    }
    for one in applied {
        let version = one.version;
        let same = known.iter().any(|known| known.version == version && *known.checksum == *one.checksum);
        if !one.success || !same {
            let text = if one.success {
                format!("version {version} is not the one of this program")
            } else {
                format!("the change to version {version} broke off")
            };
            return (Finding::problem(SUBJECT, text, "restore the backup from before, and report it"), false);
        }
    }
    if applied.len() < known.iter().count() {
        let text = format!("version {}, of {newest} that this program knows", last.version);
        let advice = "make a backup; `chat-server migrate`, or serving, brings it up to date";
        return (Finding::warning(SUBJECT, text, advice), false);
    }
    (Finding::ok(SUBJECT, format!("version {newest}, as this program has it")), true)
}

/// There is none.
pub(super) fn nothing() -> Finding {
    let advice = "if this is the right database, `chat-server migrate`, or serving, makes it one";
    Finding::warning(SUBJECT, "there is no chat in this database yet", advice)
}
