//! Compares the schema version of a database with those that this program knows.

use super::Finding;
use crate::store::sql::migrations::{self, Applied};
use sqlx::migrate::Migrator;

const SUBJECT: &str = "schema";

/// Returns the finding on the schema, and whether it is up to date.
pub(super) fn compare(applied: &[Applied], known: &Migrator) -> (Finding, bool) {
    let newest = migrations::newest(known);
    let Some(last) = applied.last() else {
        return (none(), false);
    };
    if last.version > newest {
        let text =
            format!("the schema has version {}, but this program knows only up to {newest}", last.version);
        return (
            Finding::problem(
                SUBJECT,
                text,
                "install the version of this program that migrated the database, or a newer one",
            ),
            false,
        );
    }
    for one in applied {
        let version = one.version;
        let same = known.iter().any(|known| known.version == version && *known.checksum == *one.checksum);
        if !one.success || !same {
            let text = if one.success {
                format!("migration {version} differs from the one of this program")
            } else {
                format!("migration {version} did not finish")
            };
            return (
                Finding::problem(
                    SUBJECT,
                    text,
                    "restore the backup from before the migration, with `chat-server restore BACKUP` on SQLite and \
                     pg_restore on Postgres, and report a bug",
                ),
                false,
            );
        }
    }
    if applied.len() < known.iter().count() {
        let text = format!("the schema has version {}, and this program needs {newest}", last.version);
        let advice = "make a backup, then run `chat-server migrate` or start the server";
        return (Finding::warning(SUBJECT, text, advice), false);
    }
    (Finding::ok(SUBJECT, format!("the schema has version {newest}, as this program needs")), true)
}

/// Returns the finding on a database without a schema.
pub(super) fn none() -> Finding {
    let advice = "check the address; to create the tables, run `chat-server migrate` or start the server";
    Finding::warning(SUBJECT, "the database has no tables of the chat yet", advice)
}
