//! The ids of requests: from clients and proxies, or made by this process.

use chat_core::api;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

/// The header of a request's id, in requests and in responses.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static(api::REQUEST_ID);

/// Longest id that is accepted from a request, in bytes.
const LENGTH_MAX: usize = 128;

/// Gives each request an id.
pub(crate) struct RequestIds {
    /// The random first part of every id that is made here.
    ///
    /// So two processes make different ids.
    prefix: String,
    /// How many ids were made here.
    made: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self { prefix: format!("{:08x}-", uuid::Uuid::new_v4().as_fields().0), made: AtomicU64::new(0) }
    }

    /// Returns the id of the request, or a new one if it has no allowed id.
    ///
    /// An allowed id has 1 to 128 ASCII letters, digits, `-`, `_` and `.`.
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let sent = headers.get(REQUEST_ID).filter(|id| {
            (1..=LENGTH_MAX).contains(&id.len())
                && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        });
        sent.cloned().unwrap_or_else(|| self.make())
    }

    fn make(&self) -> HeaderValue {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        // The capacity is the final length, so that the conversion to a header value does not allocate again.
        let digits = number.checked_ilog(16).unwrap_or(0) as usize + 1;
        let mut id = String::with_capacity(self.prefix.len() + digits);
        id.push_str(&self.prefix);
        // Writing to a String cannot fail.
        let _ = write!(id, "{number:x}");
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(ids: &RequestIds, sent: &str) -> String {
        let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(sent).unwrap())]);
        ids.of(&headers).to_str().unwrap().to_owned()
    }

    #[test]
    fn an_allowed_id_is_kept_and_another_is_replaced() {
        let ids = RequestIds::new();
        let longest = "a".repeat(LENGTH_MAX);
        for allowed in ["a", "Proxy_1.2-3", &longest] {
            assert_eq!(id_of(&ids, allowed), allowed);
        }
        for (number, refused) in ["", "a b", "a/b", &"a".repeat(LENGTH_MAX + 1)].into_iter().enumerate() {
            assert_eq!(id_of(&ids, refused), format!("{}{number:x}", ids.prefix), "{refused:?}");
        }
    }

    #[test]
    fn ids_that_are_made_differ() {
        let (ids, others) = (RequestIds::new(), RequestIds::new());
        let headers = HeaderMap::new();
        assert_ne!(ids.of(&headers), ids.of(&headers));
        assert_ne!(ids.prefix, others.prefix);
    }
}
