//! Pages of lists, with links to the next and the previous page.

use crate::http::{
    query::RawQuery,
    response::{self, Body},
};
use bytes::Bytes;
use chat_core::{
    api::{MessageCursor, MessageId, UnreadQuery, Window, limits},
    json,
    store::Slice,
};
use http::{HeaderValue, Response, StatusCode};
use std::fmt::{Display, Write as _};

/// Returns the requested part of a limit/offset list.
pub(crate) fn slice(limit: Option<u64>, offset: Option<u64>) -> Slice {
    Slice { limit: limit.unwrap_or(limits::PAGE_DEFAULT), offset: offset.unwrap_or(0) }
}

/// Returns the response for a page of a limit/offset list.
///
/// Its body has the form of [`Page`](chat_core::api::Page). `url` is the absolute URL of the request without its query.
/// `results` is a JSON array.
pub(crate) fn page(url: &str, query: &RawQuery, slice: Slice, count: u64, results: &[u8]) -> Response<Body> {
    let (next, previous) = (next(slice, count), previous(slice));
    let link = |offset| link(url, query, slice, offset);
    with_links(count, next.map(link), previous.map(link), results)
}

/// Returns the response for a page of a list that is read with `after`.
///
/// Its body has the form of [`page`], without a link to the previous page. `next` is the last message of the page, if
/// there is a next page.
pub(crate) fn page_after(
    url: &str,
    query: &RawQuery,
    limit: u64,
    next: Option<MessageId>,
    count: u64,
    results: &[u8],
) -> Response<Body> {
    let next = next.map(|last| {
        let [_, after, limit_name, offset] = UnreadQuery::FIELDS;
        let (limit, last) = (limit.to_string(), last.to_string());
        let new = [(limit_name, Some(&*limit)), (after, Some(&*last)), (offset, None)];
        url_with(url, query, &new)
    });
    with_links(count, next, None, results)
}

fn with_links(count: u64, next: Option<String>, previous: Option<String>, results: &[u8]) -> Response<Body> {
    let json = json::page(count, next.as_deref(), previous.as_deref(), results);
    response::with_json(StatusCode::OK, Bytes::from(json).into())
}

/// Returns the offset of the next page, if there is one.
const fn next(Slice { limit, offset }: Slice, count: u64) -> Option<u64> {
    let next = offset.saturating_add(limit);
    if next < count { Some(next) } else { None }
}

/// Returns the offset of the previous page, if there is one.
///
/// The offset is zero if the previous page would begin before the list.
const fn previous(Slice { limit, offset }: Slice) -> Option<u64> {
    if offset == 0 { None } else { Some(offset.saturating_sub(limit)) }
}

/// Returns the URL of the page at an offset; omits an offset of zero.
fn link(url: &str, query: &RawQuery, slice: Slice, offset: u64) -> String {
    let (limit, offset) = (slice.limit.to_string(), (offset > 0).then(|| offset.to_string()));
    let [limit_name, offset_name] = Window::FIELDS;
    url_with(url, query, &[(limit_name, Some(&limit)), (offset_name, offset.as_deref())])
}

/// Returns a URL with the query and with the values in `new`.
///
/// These replace the values of the same names in the query.
fn url_with(url: &str, query: &RawQuery, new: &[(&str, Option<&str>)]) -> String {
    let mut link = String::with_capacity(url.len() + 64);
    link.push_str(url);
    link.push('?');
    query.encode(new, &mut link);
    link
}

/// Returns the requested page size of a cursor list; `None` for the whole list.
pub(crate) const fn cursor_limit(limit: Option<u64>, has_cursor: bool) -> Option<u64> {
    match limit {
        None if has_cursor => Some(limits::PAGE_DEFAULT),
        limit => limit,
    }
}

/// The cursor of the next page: the last entry of this one.
pub(crate) enum NextCursor<T> {
    /// The list is read towards newer entries.
    After(T),
    /// The list is read towards older entries.
    Before(T),
}

/// Returns the value of a `Link` header for the next page.
pub(crate) fn next_link(
    url: &str,
    query: &RawQuery,
    limit: u64,
    cursor: NextCursor<impl Display>,
) -> Option<HeaderValue> {
    let [after, before, limit_name] = MessageCursor::FIELDS;
    let (name, last) = match cursor {
        NextCursor::After(last) => (after, last),
        NextCursor::Before(last) => (before, last),
    };
    // The longest cursor is the position of a thread: 36 characters, a point and 19 digits.
    let mut cursor = String::with_capacity(56);
    // Writing to a String cannot fail.
    let _ = write!(cursor, "{last}");
    let limit = limit.to_string();
    let mut link = String::with_capacity(url.len() + 64);
    link.push('<');
    link.push_str(url);
    link.push('?');
    query.encode(&[(limit_name, Some(&limit)), (name, Some(&cursor))], &mut link);
    link.push_str(">; rel=\"next\"");
    // The conversion does not fail: no part of the link can have a control character.
    HeaderValue::try_from(link).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::query::ReadQuery;
    use chat_core::api::Page;
    use http_body_util::BodyExt;

    async fn links(query: &str, count: u64) -> (Option<String>, Option<String>) {
        let query = RawQuery::parse(Some(query));
        let Window { limit, offset } = Window::read(&query).unwrap();
        let response = page("http://h/m/", &query, slice(limit, offset), count, b"[1,2]");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let page: Page<u64> = serde_json::from_slice(&body).unwrap();
        assert_eq!((page.count, page.results), (count, vec![1, 2]));
        (page.next, page.previous)
    }

    #[tokio::test]
    async fn a_page_has_links_to_the_next_and_the_previous_one() {
        let address = |query: &str| Some(format!("http://h/m/?{query}"));
        assert_eq!(links("", 100).await, (None, None));
        assert_eq!(links("x=\"", 101).await, (address("limit=100&offset=100&x=%22"), None));
        assert_eq!(links("limit=999", 251).await, (address("limit=250&offset=250"), None));
        assert_eq!(links("limit=2&offset=2", 5).await, (address("limit=2&offset=4"), address("limit=2")));
        assert_eq!(links("limit=2&offset=3", 5).await, (None, address("limit=2&offset=1")));
        assert_eq!(links("limit=2&offset=1", 5).await, (address("limit=2&offset=3"), address("limit=2")));
        let past = 1_u64 << 62;
        assert_eq!(links(&format!("offset={past}"), 5).await.0, None);
    }

    #[test]
    fn the_link_to_the_next_page_keeps_all_other_parameters() {
        let query = RawQuery::parse(Some("x=a+b&after=1&before=9&x="));
        let link = next_link("http://h/t", &query, 5, NextCursor::After(6)).unwrap();
        assert_eq!(link, "<http://h/t?after=6&before=9&limit=5&x=a+b&x=>; rel=\"next\"");
    }
}
