//! Lists in pieces, and as streams of their entries.

use crate::Error;
use chat_core::api::Page;
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use std::future::Future;

/// The entries of a list, fetched page by page as they are asked for. It ends after its first error.
pub type Entries<T> = BoxStream<'static, Result<T, Error>>;

/// A piece of a list that goes on from the id of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorPage<T, C> {
    /// The entries, in the order of the list.
    pub results: Vec<T>,
    /// From where to go on in the same direction; `None` at the end.
    pub next: Option<C>,
}

impl<T, C> IntoIterator for CursorPage<T, C> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.results.into_iter()
    }
}

/// Streams a list that is cut by offsets, from `offset` on.
pub(crate) fn by_offset<T, F, Fut>(offset: u64, fetch: F) -> Entries<T>
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

/// Streams a list that is cut by cursors; `start` may be no cursor at all.
pub(crate) fn by_cursor<T, C, F, Fut>(start: Option<C>, fetch: F) -> Entries<T>
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
