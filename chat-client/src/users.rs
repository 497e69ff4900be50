//! The list of users.

use crate::{Client, Entries, Error, pages};
use chat_core::api::{Page, User, UserQuery, endpoints::ListUsers, limits::PAGE_MAX};
use futures_util::future::BoxFuture;

/// Asks for users by name: await it for a page, or [`stream`](Self::stream) them all.
#[must_use = "a request is sent when it is awaited or streamed"]
#[derive(Debug, Clone)]
pub struct Users {
    client: Client,
    query: UserQuery,
}

impl Client {
    /// The users, ordered by name.
    pub fn users(&self) -> Users {
        Users { client: self.clone(), query: UserQuery::default() }
    }
}

impl Users {
    /// Only those whose name begins so, in any letter case.
    pub fn search(mut self, beginning: impl Into<String>) -> Self {
        self.query.search = Some(beginning.into());
        self
    }
    /// Entries of a page, 1 to 250: 100 unless set, 250 in a stream.
    pub fn limit(mut self, limit: u64) -> Self {
        self.query.limit = Some(limit);
        self
    }
    /// Entries to skip.
    pub fn offset(mut self, offset: u64) -> Self {
        self.query.offset = Some(offset);
        self
    }

    /// The users from the offset on. Somebody who registers meanwhile can make an entry come twice.
    pub fn stream(self) -> Entries<User> {
        let Self { client, query } = self;
        let limit = Some(query.limit.unwrap_or(PAGE_MAX));
        pages::by_offset(query.offset.unwrap_or(0), move |offset| {
            let query = UserQuery { limit, offset: Some(offset), ..query.clone() };
            Users { client: client.clone(), query }.into_future()
        })
    }
}

impl IntoFuture for Users {
    type Output = Result<Page<User>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.call::<ListUsers>((), &self.query, &()).await })
    }
}
