//! The conformance suite of chat-core on every database.
//!
//! It runs without and with group commit.

use chat_core::store::{Store, sql};
use chat_tests::postgres::Database;
use std::sync::Arc;
use tempfile::TempDir;

async fn file(gathered: bool) -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("chat.db").display());
    (at(&url, gathered).await, folder)
}

async fn memory(gathered: bool) -> (Arc<dyn Store>, ()) {
    (at("sqlite::memory:", gathered).await, ())
}

async fn postgres(gathered: bool) -> (Arc<dyn Store>, Database) {
    let database = Database::fresh().await;
    (at(&database.url, gathered).await, database)
}

async fn at(url: &str, gathered: bool) -> Arc<dyn Store> {
    let options = sql::Options::default();
    if gathered {
        sql::connect(url, &options).await.unwrap()
    } else {
        sql::open(url, &options).await.unwrap()
    }
}

mod sqlite_file {
    chat_core::store_conformance!(crate::databases::conformance::file(false));
}
mod sqlite_file_gathered {
    chat_core::store_conformance!(crate::databases::conformance::file(true));
}
mod sqlite_memory {
    chat_core::store_conformance!(crate::databases::conformance::memory(false));
}
mod sqlite_memory_gathered {
    chat_core::store_conformance!(crate::databases::conformance::memory(true));
}
mod postgres {
    chat_core::store_conformance!(crate::databases::conformance::postgres(false));
}
mod postgres_gathered {
    chat_core::store_conformance!(crate::databases::conformance::postgres(true));
}
