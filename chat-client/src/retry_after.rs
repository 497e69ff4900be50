//! The `Retry-After` header: seconds, or a date.

use chat_core::clock::{Clock, SystemClock};
use http::{HeaderMap, HeaderName, header};
use std::time::{Duration, SystemTime};

/// Returns how long the server asks to wait.
///
/// Returns `None` if the header is missing or cannot be read. A date is compared with the `Date` of the response, so
/// that a wrong clock on this machine does not matter. Without a `Date` it is compared with the clock of this machine.
/// A date in the past gives zero.
pub(crate) fn of(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER)?;
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let sent = text(headers, header::DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    Some(until.duration_since(sent.unwrap_or_else(now)).unwrap_or_default())
}

fn now() -> SystemTime {
    let micros = u64::try_from(SystemClock.now().as_micros()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn wait(retry_after: &'static str, date: Option<&'static str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(retry_after));
        if let Some(date) = date {
            headers.insert(header::DATE, HeaderValue::from_static(date));
        }
        of(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn the_wait_is_seconds_or_the_time_from_the_date_of_the_response() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (retry_after, expected) in [
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:57 GMT", Some(20)),
            ("Sunday, 06-Nov-94 09:49:37 GMT", Some(3600)),
            ("Sun Nov  6 08:49:38 1994", Some(1)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(wait(retry_after, date), expected, "{retry_after}");
        }
        assert_eq!(of(&HeaderMap::new()), None);
    }

    #[test]
    fn without_a_date_the_wait_begins_at_the_time_of_this_machine() {
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT", None), Some(0));
        assert!(wait("Fri, 31 Dec 2100 00:00:00 GMT", Some("not a date")).unwrap() > 3600);
    }
}
