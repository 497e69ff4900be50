//! Compares the schema version of a database with those that this program knows.

use super::Finding;
use crate::store::sql::{
    Remedy,
    migrations::{self, Applied},
};
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
                    "restore the backup from before the migration (on Postgres with pg_restore), and report a bug",
                )
                .with_remedies(&[Remedy::Restore]),
                false,
            );
        }
    }
    if applied.len() < known.iter().count() {
        let text = format!("the schema has version {}, and this program needs {newest}", last.version);
        let advice =
            "make a backup, then bring the schema up to date, or start the server, which does that first";
        return (Finding::warning(SUBJECT, text, advice).with_remedies(&[Remedy::Migrate]), false);
    }
    (Finding::ok(SUBJECT, format!("the schema has version {newest}, as this program needs")), true)
}

/// Returns the finding on a database without a schema.
pub(super) fn none() -> Finding {
    let advice = "check the address; to create the tables, bring the schema up to date or start the server";
    Finding::warning(SUBJECT, "the database has no tables of the chat yet", advice)
        .with_remedies(&[Remedy::Migrate])
}
