//! `chat-server migrate`.

use super::{common::Common, database, output};
use anyhow::Result;

/// Opens the database, which brings its schema up to date.
pub(super) async fn run(common: &Common) -> Result<()> {
    database::open(common).await?.close().await;
    output::line(&format!("the schema of {} is up to date", common.database_url))
}
