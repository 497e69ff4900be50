//! Pages of lists, and streams that fetch page after page.

use crate::Error;
use chat_core::api::Page;
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use std::future::Future;

/// A stream of the entries of a list.
///
/// It fetches the next page after all entries of the current page are consumed. It ends after its first error. To use
/// it, import `StreamExt` or `TryStreamExt` of `futures-util`.
///
/// ```no_run
/// use futures_util::TryStreamExt;
///
/// # async fn example(ann: chat_client::Client) -> Result<(), chat_client::Error> {
/// let mut users = ann.users().search("a").stream();
/// while let Some(user) = users.try_next().await? {
///     println!("{}: {}", user.id, user.username);
/// }
/// # Ok(())
/// # }
/// ```
pub type EntryStream<T> = BoxStream<'static, Result<T, Error>>;

/// One page of a list with a cursor: the id or the position of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CursorPage<T, C> {
    /// The entries, in the order of the list.
    pub results: Vec<T>,
    /// The cursor of the next page in the same direction; `None` on the last page.
    pub next: Option<C>,
}

impl<T, C> CursorPage<T, C> {
    /// Returns a page with these entries.
    pub fn new(results: Vec<T>, next: Option<C>) -> Self {
        Self { results, next }
    }
}

impl<T, C> IntoIterator for CursorPage<T, C> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.results.into_iter()
    }
}

/// Generates `limit` and `offset` for a builder with a `query` that has both.
macro_rules! limit_and_offset {
    () => {
        /// Sets the maximum number of entries of a page: 1 to 250.
        ///
        /// The default is 100 for a page and 250 in a stream. The server takes a larger number as 250, and 0 as 100.
        pub fn limit(mut self, limit: u64) -> Self {
            self.query.limit = Some(limit);
            self
        }

        /// Sets the number of entries to skip.
        ///
        /// The default is 0.
        pub fn offset(mut self, offset: u64) -> Self {
            self.query.offset = Some(offset);
            self
        }
    };
}
pub(crate) use limit_and_offset;

/// Generates `limit` for a builder with a `query` that has a limit and a cursor.
macro_rules! limit_of_cursor_page {
    () => {
        /// Sets the maximum number of entries of a page: 1 to 250.
        ///
        /// The default is 250 in a stream and 100 for a page with a cursor. Outside a stream, a list without a cursor
        /// has no limit by default. The server takes a larger number as 250, and 0 as 100.
        pub fn limit(mut self, limit: u64) -> Self {
            self.query.limit = Some(limit);
            self
        }
    };
}
pub(crate) use limit_of_cursor_page;

/// Streams a list page by page with offsets, beginning at `offset`.
pub(crate) fn by_offset<T, F, Fut>(offset: u64, fetch: F) -> EntryStream<T>
where
    T: Send + 'static,
    F: Fn(u64) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Page<T>, Error>> + Send,
{
    let pages = stream::try_unfold((Some(offset), fetch), |(offset, fetch)| async move {
        let Some(offset) = offset else { return Ok(None) };
        let page = fetch(offset).await?;
        let entries = page.results.len() as u64;
        let next = page.next.filter(|_| entries > 0).map(|_| offset.saturating_add(entries));
        Ok(Some((entries_of(page.results), (next, fetch))))
    });
    pages.try_flatten().boxed()
}

/// Streams a list page by page with cursors, beginning at `start`.
///
/// `None` is the beginning of the list.
pub(crate) fn by_cursor<T, C, F, Fut>(start: Option<C>, fetch: F) -> EntryStream<T>
where
    T: Send + 'static,
    C: Send + 'static,
    F: Fn(Option<C>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<CursorPage<T, C>, Error>> + Send,
{
    let pages = stream::try_unfold(Some((start, fetch)), |state| async move {
        let Some((cursor, fetch)) = state else { return Ok(None) };
        let page = fetch(cursor).await?;
        let next = page.next.map(|cursor| (Some(cursor), fetch));
        Ok::<_, Error>(Some((entries_of(page.results), next)))
    });
    pages.try_flatten().boxed()
}

fn entries_of<T: Send + 'static>(results: Vec<T>) -> stream::Iter<std::vec::IntoIter<Result<T, Error>>> {
    stream::iter(results.into_iter().map(Ok).collect::<Vec<_>>())
}
