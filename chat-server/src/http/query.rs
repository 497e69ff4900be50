//! The query string: reading it, and writing it again into the addresses of other pages.

use crate::input::number;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What Python's `quote_plus` leaves as it is beside letters and digits; a space becomes `+`.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameters of a request, decoded, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The last value of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A whole number that is not negative, saturating; `None` when absent or unreadable.
    pub(crate) fn count(&self, name: &str) -> Option<u64> {
        u64::try_from(number::integer(self.get(name)?)?.saturating()).ok()
    }

    /// Adds the query string with the parameters sorted by name, repeats in their order. Of the names in `new`, it has
    /// the values given there and no others.
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

fn push(encoded: &mut String, text: &str) {
    for (i, word) in text.split(' ').enumerate() {
        if i > 0 {
            encoded.push('+');
        }
        encoded.extend(utf8_percent_encode(word, UNRESERVED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_again_sorted_with_everything_carried_along() {
        let query = Query::parse(Some("z=1&offset=7&a=b+c%2B~&a=&x&limit=5&ä=%ff"));
        let mut encoded = "?".to_owned();
        query.encode(&[("limit", Some("10")), ("offset", None)], &mut encoded);
        assert_eq!(encoded, "?a=b+c%2B~&a=&limit=10&x=&z=1&%C3%A4=%EF%BF%BD");
    }

    #[test]
    fn counts() {
        for (value, count) in [
            ("7", Some(7)),
            ("+7", Some(7)),
            ("%2B7", Some(7)),
            ("7&limit=8", Some(8)),
            ("99999999999999999999", Some(i64::MAX as u64)),
            ("-1", None),
            ("1.0", None),
            ("", None),
        ] {
            assert_eq!(Query::parse(Some(&format!("limit={value}"))).count("limit"), count, "{value}");
        }
    }
}
