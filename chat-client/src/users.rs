//! The list of users.

use crate::{
    Client, EntryStream, Error,
    pages::{self, limit_and_offset},
};
use chat_core::api::{Page, User, UserQuery, endpoints::ListUsers, limits::PAGE_MAX};
use futures_util::future::BoxFuture;

/// Lists users by name; created by [`Client::users`].
///
/// Await it for one page, or call [`stream`](Self::stream) for all entries.
///
/// ```no_run
/// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
/// let page = ann.users().search("bo").limit(10).await?;
/// println!("{} of {}", page.results.len(), page.count);
/// # Ok(())
/// # }
/// ```
#[must_use = "no request is sent until it is awaited or streamed"]
#[derive(Debug, Clone)]
pub struct ListUsersBuilder {
    client: Client,
    query: UserQuery,
}

impl Client {
    /// Lists the users, ordered by name.
    ///
    /// See [`ListUsersBuilder`] for the options and an example.
    ///
    /// # Errors
    /// When awaited or streamed, the [errors of every call](Client#errors-of-every-call).
    pub fn users(&self) -> ListUsersBuilder {
        ListUsersBuilder { client: self.clone(), query: UserQuery::default() }
    }
}

impl ListUsersBuilder {
    /// Lists only users whose name starts with `prefix`, in any letter case.
    pub fn search(mut self, prefix: impl Into<String>) -> Self {
        self.query.search = Some(prefix.into());
        self
    }

    limit_and_offset!();

    /// Streams the users from the offset to the last one.
    ///
    /// If a user registers while the stream runs, an entry can occur twice. If a user is removed, the stream can skip
    /// another user.
    pub fn stream(self) -> EntryStream<User> {
        let Self { client, query } = self;
        let limit = Some(query.limit.unwrap_or(PAGE_MAX));
        pages::by_offset(query.offset.unwrap_or(0), move |offset| {
            let query = UserQuery { limit, offset: Some(offset), ..query.clone() };
            ListUsersBuilder { client: client.clone(), query }.into_future()
        })
    }
}

impl IntoFuture for ListUsersBuilder {
    type Output = Result<Page<User>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.call::<ListUsers>((), &self.query, &()).await })
    }
}
