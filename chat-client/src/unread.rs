//! The list of unread messages.

use crate::{
    Client, CursorPage, EntryStream, Error,
    pages::{self, limit_and_offset},
};
use chat_core::api::{Message, MessageId, Page, UnreadQuery, endpoints::ListUnread, limits::PAGE_MAX};
use futures_util::future::BoxFuture;

/// Lists unread messages; created by [`Client::unread`].
///
/// Await it for one page, or call [`stream`](Self::stream) for all entries or [`count`](Self::count) for their
/// number.
///
/// ```no_run
/// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
/// let page = ann.unread().incoming().limit(20).await?;
/// println!("{} of {}", page.results.len(), page.count);
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

    /// Lists the messages with a higher id than this one.
    ///
    /// The [`offset`](Self::offset) is then ignored.
    pub fn after(mut self, message: MessageId) -> Self {
        self.query.after = Some(message);
        self
    }

    limit_and_offset!();

    /// Returns the number of unread messages.
    ///
    /// It requests a page of one message; the cursor, the limit and the offset have no effect on the number.
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

    /// Streams the unread messages from the first to the last one.
    ///
    /// With [`after`](Self::after) it begins after that message. With [`offset`](Self::offset) it leaves out that
    /// number of messages at the beginning. It skips no other message, even if messages are marked as read while it
    /// runs.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt;
    ///
    /// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
    /// let mut unread = ann.unread().incoming().stream();
    /// while let Some(message) = unread.try_next().await? {
    ///     println!("{}: {}", message.sender, message.text);
    ///     ann.mark_message_read(message.id).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> EntryStream<Message> {
        let Self { client, query } = self;
        let limit = Some(query.limit.unwrap_or(PAGE_MAX));
        // A page without a cursor begins at the offset.
        let start = query.after.or_else(|| query.offset.is_none().then(|| MessageId::new(0)));
        pages::by_cursor(start, move |after| {
            let offset = query.offset.filter(|_| after.is_none());
            let query = UnreadQuery { after, limit, offset, ..query };
            let page = ListUnreadBuilder { client: client.clone(), query };
            async move {
                let page = page.await?;
                let last = page.next.and_then(|_| page.results.last()).map(|last| last.id);
                // A server that does not know `after` would return the same page again and again.
                let next = last.filter(|last| after.is_none_or(|after| *last > after));
                Ok(CursorPage { results: page.results, next })
            }
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
