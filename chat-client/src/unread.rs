//! The unread messages.

use crate::{Client, Entries, Error, pages};
use chat_core::api::{Message, Page, UnreadQuery, endpoints::ListUnread, limits::PAGE_MAX};
use futures_util::future::BoxFuture;

/// Asks for unread messages: await it for a page, [`stream`](Self::stream) them all, or [`count`](Self::count) them.
#[must_use = "a request is sent when it is awaited or streamed"]
#[derive(Debug, Clone)]
pub struct Unread {
    client: Client,
    query: UnreadQuery,
}

impl Client {
    /// The unread messages of all the caller's threads, his own included, by ascending id.
    pub fn unread(&self) -> Unread {
        Unread { client: self.clone(), query: UnreadQuery::default() }
    }
}

impl Unread {
    /// Leaves out what the caller wrote himself.
    pub fn incoming(mut self) -> Self {
        self.query.incoming = Some(true);
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

    /// How many there are, without fetching them.
    pub async fn count(self) -> Result<u64, Error> {
        Ok(self.limit(1).await?.count)
    }

    /// The unread messages from the offset on. Marking them as read while it runs moves later ones forward past the
    /// offset: collect first, mark then.
    pub fn stream(self) -> Entries<Message> {
        let Self { client, query } = self;
        let limit = Some(query.limit.unwrap_or(PAGE_MAX));
        pages::by_offset(query.offset.unwrap_or(0), move |offset| {
            let query = UnreadQuery { limit, offset: Some(offset), ..query };
            Unread { client: client.clone(), query }.into_future()
        })
    }
}

impl IntoFuture for Unread {
    type Output = Result<Page<Message>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.call::<ListUnread>((), &self.query, &()).await })
    }
}
