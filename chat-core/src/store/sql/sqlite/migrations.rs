//! The list of SQLite migrations.

use sqlx::migrate::Migrator;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
