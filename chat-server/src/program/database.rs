//! Opens the database.

use super::{
    common::Common,
    database_url::{DatabaseUrl, failed},
};
use anyhow::Result;
use chat_core::{
    Chat,
    store::{
        Store,
        sql::{self, Options},
    },
};
use std::sync::Arc;

/// Opens the database for one command; creates and migrates it if necessary.
pub(super) async fn open(common: &Common) -> Result<Chat> {
    open_with(&common.database_url, &common.database()).await
}

/// Opens a database that must exist.
pub(super) async fn open_existing(common: &Common) -> Result<Chat> {
    open_with(&common.database_url, &common.database().create_if_missing(false)).await
}

async fn open_with(url: &DatabaseUrl, options: &Options) -> Result<Chat> {
    Ok(Chat::new(sql::open(url.expose(), options).await.map_err(failed)?))
}

/// Opens the database for a server, which coalesces writes into batches.
pub(super) async fn open_to_serve(url: &DatabaseUrl, options: &Options) -> Result<Arc<dyn Store>> {
    sql::connect(url.expose(), options).await.map_err(failed)
}
