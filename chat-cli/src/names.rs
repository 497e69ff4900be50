//! The usernames that tables show instead of user ids.

use crate::failure::Result;
use chat_client::{Client, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeSet, HashMap};

/// Maximum number of look-ups for one table; further users are shown by id.
const MAX_LOOKUPS: usize = 250;
/// Maximum number of concurrent look-ups.
const CONCURRENT_LOOKUPS: usize = 8;

/// Usernames by user id.
#[derive(Default)]
pub(crate) struct Names(HashMap<UserId, String>);

impl Names {
    /// Looks up the usernames of these users, each once.
    pub(crate) async fn of(client: &Client, users: impl IntoIterator<Item = UserId>) -> Result<Self> {
        let users: BTreeSet<_> = users.into_iter().collect();
        let look_ups = users.into_iter().take(MAX_LOOKUPS).map(|id| async move {
            match client.user(id).await {
                Ok(user) => Ok(Some((id, user.username))),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            }
        });
        let found: Vec<_> = stream::iter(look_ups).buffer_unordered(CONCURRENT_LOOKUPS).try_collect().await?;
        Ok(Self(found.into_iter().flatten().collect()))
    }

    /// Returns the username of a user, or `#` and the id if it is not known.
    pub(crate) fn get(&self, id: UserId) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| format!("#{id}"))
    }
}
