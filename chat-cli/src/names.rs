//! The names that go with ids, for tables.

use crate::failure::Result;
use chat_client::{Client, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeSet, HashMap};

/// Look-ups for one table at most; users beyond are shown by number.
const MAX_LOOKUPS: usize = 250;
/// Look-ups at a time.
const AT_ONCE: usize = 8;

/// Names by id.
pub(crate) struct Names(HashMap<UserId, String>);

impl Names {
    /// Looks up the names of these users, each once.
    pub(crate) async fn of(client: &Client, users: impl IntoIterator<Item = UserId>) -> Result<Self> {
        let users: BTreeSet<_> = users.into_iter().collect();
        let look_ups = users.into_iter().take(MAX_LOOKUPS).map(|id| async move {
            match client.user(id).await {
                Ok(user) => Ok(Some((id, user.username))),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            }
        });
        let found: Vec<_> = stream::iter(look_ups).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(Self(found.into_iter().flatten().collect()))
    }

    /// The name of a user, or his number.
    pub(crate) fn get(&self, id: UserId) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| format!("#{id}"))
    }
}
