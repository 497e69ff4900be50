//! The privileges that the database role of a server needs.

use super::failure::source;
use crate::store::sql::OpenError;
use sqlx::PgConnection;
use std::sync::Arc;

/// Lists the privileges that every server uses and that the role lacks.
///
/// Without this check, the server would start with such a role, and the first message or log-in would fail.
const MISSING: &str = "select string_agg(privilege || ' on ' || name, ', ') from ( \
         select name, privilege from unnest(array['users', 'tokens', 'threads', 'messages', 'counters']) as name, \
             unnest(array['select', 'insert', 'update']) as privilege \
         where not has_table_privilege(name, privilege) \
         union all select name, 'delete' from unnest(array['tokens', 'threads', 'messages']) as name \
         where not has_table_privilege(name, 'delete') \
         union all select name, 'select' from unnest(array['totals']) as name \
         where not has_table_privilege(name, 'select') \
         union all select name, 'usage' from unnest(array['messages_id_seq', 'list_versions']) as name \
         where not has_sequence_privilege(name, 'usage, update')) as missing";

/// The privileges that the role lacks.
#[derive(Debug, thiserror::Error)]
#[error("permission denied for {0}")]
struct Missing(String);

/// Checks that the role may read and write the tables of a current schema.
pub(super) async fn check_privileges(connection: &mut PgConnection) -> Result<(), OpenError> {
    let missing: Option<String> = sqlx::query_scalar(MISSING)
        .fetch_one(connection)
        .await
        .map_err(|error| OpenError::Database(source(error)))?;
    missing.map_or(Ok(()), |missing| Err(OpenError::Privileges(Arc::new(Missing(missing)))))
}
