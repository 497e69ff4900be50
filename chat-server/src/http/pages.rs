//! Cutting lists into pages and pointing to the neighbouring ones.

use crate::http::{
    query::Query,
    response::{self, Body},
};
use bytes::Bytes;
use chat_core::{api::limits, store::Slice};
use http::{HeaderValue, Response, StatusCode};

/// The effective `limit` of a request.
fn limit(query: &Query) -> u64 {
    match query.count("limit") {
        None | Some(0) => limits::PAGE_DEFAULT,
        Some(limit) => limit.min(limits::PAGE_MAX),
    }
}

/// Which part of a limit/offset list a request asks for.
pub(crate) fn slice(query: &Query) -> Slice {
    Slice { limit: limit(query), offset: query.count("offset").unwrap_or(0) }
}

/// The page of a limit/offset list, in the shape of [`Page`](chat_core::api::Page). `here` is the absolute address of
/// the request without its query, `results` a JSON array.
pub(crate) fn page(here: &str, query: &Query, slice: Slice, count: u64, results: &[u8]) -> Response<Body> {
    let mut json = format!(
        r#"{{"count":{count},"next":{},"previous":{},"results":"#,
        link(here, query, slice, next(slice, count)),
        link(here, query, slice, previous(slice)),
    )
    .into_bytes();
    json.reserve(results.len() + 1);
    json.extend_from_slice(results);
    json.push(b'}');
    response::with_json(StatusCode::OK, Bytes::from(json).into())
}

/// The offset of the next page.
const fn next(Slice { limit, offset }: Slice, count: u64) -> Option<u64> {
    let next = offset.saturating_add(limit);
    if next < count { Some(next) } else { None }
}

/// The offset of the page before, which may begin before the list does.
const fn previous(Slice { limit, offset }: Slice) -> Option<u64> {
    if offset == 0 { None } else { Some(offset.saturating_sub(limit)) }
}

/// The address of the page at an offset, as JSON. At the beginning it is left out.
fn link(here: &str, query: &Query, slice: Slice, offset: Option<u64>) -> serde_json::Value {
    let Some(offset) = offset else { return serde_json::Value::Null };
    let (limit, offset) = (slice.limit.to_string(), (offset > 0).then(|| offset.to_string()));
    let mut link = format!("{here}?");
    query.encode(&[("limit", Some(&limit)), ("offset", offset.as_deref())], &mut link);
    link.into()
}

/// How much of a list with cursors a request asks for: a page of this many, or everything.
pub(crate) fn cursor_limit(query: &Query, has_cursor: bool) -> Option<u64> {
    (has_cursor || query.get("limit").is_some()).then(|| limit(query))
}

/// The value of a `Link` header that points to the next page.
pub(crate) fn next_link(
    here: &str,
    query: &Query,
    limit: u64,
    (name, cursor): (&str, impl ToString),
) -> Option<HeaderValue> {
    let (limit, cursor) = (limit.to_string(), cursor.to_string());
    let mut link = String::with_capacity(here.len() + 64);
    link.push('<');
    link.push_str(here);
    link.push('?');
    query.encode(&[("limit", Some(&limit)), (name, Some(&cursor))], &mut link);
    link.push_str(">; rel=\"next\"");
    // It cannot fail but for a Host header that is no text; such a client has to do without.
    HeaderValue::try_from(link).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::api::Page;
    use http_body_util::BodyExt;

    async fn links(query: &str, count: u64) -> (Option<String>, Option<String>) {
        let query = Query::parse(Some(query));
        let response = page("http://h/m/", &query, slice(&query), count, b"[1,2]");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let page: Page<u64> = serde_json::from_slice(&body).unwrap();
        assert_eq!((page.count, page.results), (count, vec![1, 2]));
        (page.next, page.previous)
    }

    #[tokio::test]
    async fn neighbours_are_pointed_to() {
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
    fn the_next_page_is_asked_for_with_everything_else_that_was_asked() {
        let query = Query::parse(Some("x=a+b&after=1&before=9&x="));
        let link = next_link("http://h/t", &query, 5, ("after", 6)).unwrap();
        assert_eq!(link, "<http://h/t?after=6&before=9&limit=5&x=a+b&x=>; rel=\"next\"");
    }
}
