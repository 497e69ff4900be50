//! Cutting lists into pages and pointing to the neighbouring ones.

use crate::query::Query;
use chat_core::{
    api::{Page, limits},
    store::{Counted, Slice},
};
use http::HeaderValue;

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

/// The page of a limit/offset list, with the addresses of its neighbours. `here` is the absolute address of the
/// request without its query.
pub(crate) fn page<T>(here: &str, query: &Query, slice: Slice, list: Counted<T>) -> Page<T> {
    let Slice { limit, offset } = slice;
    let address = |query: Query| Some(format!("{here}?{}", query.with("limit", limit).encode()));
    let next = offset.saturating_add(limit);
    Page {
        count: list.count,
        next: if next < list.count { address(query.clone().with("offset", next)) } else { None },
        previous: match offset {
            0 => None,
            _ if offset <= limit => address(query.clone().without("offset")),
            _ => address(query.clone().with("offset", offset - limit)),
        },
        results: list.items,
    }
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
    let query = query.clone().with("limit", limit).with(name, cursor).encode();
    // It cannot fail but for a Host header that is no text; such a client has to do without.
    HeaderValue::from_str(&format!("<{here}?{query}>; rel=\"next\"")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_with_everything_else_that_was_asked() {
        let query = Query::parse(Some("x=a+b&after=1&before=9&x="));
        let link = next_link("http://h/t", &query, 5, ("after", 6)).unwrap();
        assert_eq!(link, "<http://h/t?after=6&before=9&limit=5&x=a+b&x=>; rel=\"next\"");
    }
}
