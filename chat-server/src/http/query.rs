//! The query of a request.
//!
//! It is available as typed parameters. It is also available as it was sent, to write the links to other pages.

use crate::input::number;
use chat_core::api::{
    FieldErrors, MessageCursor, MessageId, ThreadCursor, UnreadQuery, UserQuery, Window, error_text, limits,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that Python's `quote_plus` encodes. It writes a space as `+`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameters of a request as they were sent, decoded and in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RawQuery(Vec<(String, String)>);

impl RawQuery {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// Returns the last value of a name.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Returns the last value of each name.
    fn values<const N: usize>(&self, names: [&str; N]) -> [Option<&str>; N] {
        names.map(|name| self.get(name))
    }

    /// Appends the query string to `encoded`, sorted by name.
    ///
    /// Repeated names keep their order. A name in `new` gets the value given there. Without a value, the name is
    /// omitted.
    pub(crate) fn encode(&self, new: &[(&str, Option<&str>)], encoded: &mut String) {
        let kept = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = kept.filter(|(name, _)| new.iter().all(|(other, _)| other != name));
        let new = new.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let mut all: Vec<(&str, &str)> = kept.chain(new).collect();
        all.sort_by_key(|(name, _)| *name);
        for (i, (name, value)) in all.into_iter().enumerate() {
            if i > 0 {
                encoded.push('&');
            }
            push(encoded, name);
            encoded.push('=');
            push(encoded, value);
        }
    }
}

/// The typed parameters of a query, read from its raw form.
///
/// A parameter that cannot be read counts as absent, with two exceptions: a `limit` gets its default, and a cursor is
/// an error.
pub(crate) trait ReadQuery: Sized {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A cursor cannot be read.
    fn read(query: &RawQuery) -> Result<Self, FieldErrors>;
}

impl ReadQuery for () {
    fn read(_: &RawQuery) -> Result<Self, FieldErrors> {
        Ok(())
    }
}

impl ReadQuery for Window {
    fn read(query: &RawQuery) -> Result<Self, FieldErrors> {
        let [limit, offset] = query.values(Self::FIELDS);
        Ok(Self { limit: limit.map(page_limit), offset: offset.and_then(count) })
    }
}

impl ReadQuery for UserQuery {
    fn read(query: &RawQuery) -> Result<Self, FieldErrors> {
        let [search, limit, offset] = query.values(Self::FIELDS);
        Ok(Self {
            search: search.map(str::to_owned),
            limit: limit.map(page_limit),
            offset: offset.and_then(count),
        })
    }
}

impl ReadQuery for UnreadQuery {
    fn read(query: &RawQuery) -> Result<Self, FieldErrors> {
        let [_, after_name, _, _] = Self::FIELDS;
        let [incoming, after, limit, offset] = query.values(Self::FIELDS);
        Ok(Self {
            incoming: incoming.and_then(number::boolean_text),
            after: cursor(after_name, after, message_id)?,
            limit: limit.map(page_limit),
            offset: offset.and_then(count),
        })
    }
}

impl ReadQuery for ThreadCursor {
    fn read(query: &RawQuery) -> Result<Self, FieldErrors> {
        let [after_name, _] = Self::FIELDS;
        let [after, limit] = query.values(Self::FIELDS);
        let after = cursor(after_name, after, |text| text.parse().ok())?;
        Ok(Self { after, limit: limit.map(page_limit) })
    }
}

impl ReadQuery for MessageCursor {
    fn read(query: &RawQuery) -> Result<Self, FieldErrors> {
        let [after_name, before_name, _] = Self::FIELDS;
        let [after, before, limit] = query.values(Self::FIELDS);
        Ok(Self {
            after: cursor(after_name, after, message_id)?,
            before: cursor(before_name, before, message_id)?,
            limit: limit.map(page_limit),
        })
    }
}

/// Reads the `limit` of a page: 1 to 250.
///
/// By the contract it is 100 if the parameter is 0 or cannot be read.
fn page_limit(text: &str) -> u64 {
    match count(text) {
        None | Some(0) => limits::PAGE_DEFAULT,
        Some(limit) => limit.min(limits::PAGE_MAX),
    }
}

/// Reads a non-negative integer. A number that is too large becomes 2⁶³−1.
fn count(text: &str) -> Option<u64> {
    u64::try_from(number::integer(text)?.saturating()).ok()
}

/// Reads a message id. A number that is too large becomes the nearest id.
fn message_id(text: &str) -> Option<MessageId> {
    number::integer(text).map(|id| MessageId::new(id.saturating()))
}

fn cursor<T>(
    name: &str,
    text: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, FieldErrors> {
    let Some(text) = text else { return Ok(None) };
    read(text).map(Some).ok_or_else(|| FieldErrors::one(name, error_text::INVALID_CURSOR))
}

fn push(encoded: &mut String, text: &str) {
    for part in utf8_percent_encode(text, ENCODED) {
        encoded.push_str(if part == "%20" { "+" } else { part });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<Q: ReadQuery>(query: &str) -> Result<Q, FieldErrors> {
        Q::read(&RawQuery::parse(Some(query)))
    }

    #[test]
    fn a_query_is_written_sorted_with_all_other_parameters() {
        let query = RawQuery::parse(Some("z=1&offset=7&a=b+c%2B~&a=&x&limit=5&ä=%ff"));
        let mut encoded = "?".to_owned();
        query.encode(&[("limit", Some("10")), ("offset", None)], &mut encoded);
        assert_eq!(encoded, "?a=b+c%2B~&a=&limit=10&x=&z=1&%C3%A4=%EF%BF%BD");
    }

    #[test]
    fn an_offset_is_an_integer_that_is_not_negative() {
        for (value, offset) in [
            ("7", Some(7)),
            ("+7", Some(7)),
            ("%2B7", Some(7)),
            ("7&offset=8", Some(8)),
            ("99999999999999999999", Some(i64::MAX as u64)),
            ("-1", None),
            ("1.0", None),
            ("", None),
        ] {
            assert_eq!(read::<Window>(&format!("offset={value}")).unwrap().offset, offset, "{value}");
        }
    }

    #[test]
    fn a_limit_is_capped_and_has_a_default_where_it_cannot_be_read() {
        for (query, limit) in [
            ("", None),
            ("limit=7", Some(7)),
            ("limit=251", Some(250)),
            ("limit=0", Some(100)),
            ("limit=x", Some(100)),
            ("limit", Some(100)),
        ] {
            assert_eq!(read::<Window>(query).unwrap().limit, limit, "{query}");
            assert_eq!(read::<ThreadCursor>(query).unwrap().limit, limit, "{query}");
        }
    }

    #[test]
    fn a_cursor_that_cannot_be_read_is_an_error_under_its_name() {
        let error = |name: &str| FieldErrors::one(name, error_text::INVALID_CURSOR);
        assert_eq!(read::<ThreadCursor>("after=1"), Err(error("after")));
        assert_eq!(read::<MessageCursor>("after=+1&before=x"), Err(error("before")));
        assert_eq!(read::<MessageCursor>("after=x&before=x"), Err(error("after")));
        assert_eq!(read::<UnreadQuery>("after=x"), Err(error("after")));
        let cursor = MessageCursor { before: Some(MessageId::new(7)), ..MessageCursor::default() };
        assert_eq!(read("before=007"), Ok(cursor));
    }

    #[test]
    fn other_parameters_are_read_as_their_types() {
        assert_eq!(read::<UnreadQuery>("incoming=YES").unwrap().incoming, Some(true));
        assert_eq!(read::<UnreadQuery>("incoming=2").unwrap().incoming, None);
        assert_eq!(read::<UserQuery>("search=a&search=b+").unwrap().search.as_deref(), Some("b "));
    }
}
