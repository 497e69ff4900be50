//! The list of unread messages.

use crate::{
    Client, EntryStream, Error,
    pages::{self, limit_and_offset},
};
use chat_core::api::{Message, Page, UnreadQuery, endpoints::ListUnread, limits::PAGE_MAX};
use futures_util::future::BoxFuture;

/// Lists unread messages; created by [`Client::unread`].
///
/// Await it for one page, or call [`stream`](Self::stream) for all entries or [`count`](Self::count) for their
/// number.
///
/// ```no_run
/// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
/// for message in ann.unread().incoming().await?.results {
///     println!("{}: {}", message.sender, message.text);
///     ann.mark_message_read(message.id).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "no request is sent until it is awaited or streamed"]
#[derive(Debug, Clone)]
pub struct ListUnreadBuilder {
    client: Client,
    query: UnreadQuery,
}

impl Client {
    /// Lists the unread messages of all threads of the caller, by ascending id.
    ///
    /// The caller's own messages are included; see [`incoming`](ListUnreadBuilder::incoming). See
    /// [`ListUnreadBuilder`] for the options and an example.
    ///
    /// # Errors
    /// When awaited or streamed, the [errors of every call](Client#errors-of-every-call).
    pub fn unread(&self) -> ListUnreadBuilder {
        ListUnreadBuilder { client: self.clone(), query: UnreadQuery::default() }
    }
}

impl ListUnreadBuilder {
    /// Leaves out messages that the caller sent.
    pub fn incoming(mut self) -> Self {
        self.query.incoming = Some(true);
        self
    }

    limit_and_offset!();

    /// Returns the number of unread messages.
    ///
    /// It requests a page of one message; the limit and the offset have no effect on the number.
    ///
    /// # Errors
    /// The [errors of every call](Client#errors-of-every-call).
    ///
    /// ```no_run
    /// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
    /// println!("{} unread", ann.unread().incoming().count().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn count(self) -> Result<u64, Error> {
        Ok(self.limit(1).await?.count)
    }

    /// Streams the unread messages from the offset to the last one.
    ///
    /// Do not mark messages as read while the stream runs: later messages then move to a lower offset and are
    /// skipped. Collect the messages first.
    pub fn stream(self) -> EntryStream<Message> {
        let Self { client, query } = self;
        let limit = Some(query.limit.unwrap_or(PAGE_MAX));
        pages::by_offset(query.offset.unwrap_or(0), move |offset| {
            let query = UnreadQuery { limit, offset: Some(offset), ..query };
            ListUnreadBuilder { client: client.clone(), query }.into_future()
        })
    }
}

impl IntoFuture for ListUnreadBuilder {
    type Output = Result<Page<Message>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.call::<ListUnread>((), &self.query, &()).await })
    }
}
