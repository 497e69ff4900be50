//! The headers in which a proxy describes the request that it received.

use http::{HeaderMap, header};

/// The header in which most proxies name the scheme of the client's request.
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Returns whether the proxy received the request over TLS.
///
/// The first element of `X-Forwarded-Proto` that is not blank decides: the proxy next to the client wrote it. Without
/// one, it is the first `proto` of `Forwarded` (RFC 7239).
pub(crate) fn is_https(headers: &HeaderMap) -> bool {
    let x_forwarded_proto = elements(headers, X_FORWARDED_PROTO)
        .and_then(|schemes| schemes.map(str::trim).find(|scheme| !scheme.is_empty()));
    let scheme = x_forwarded_proto.or_else(|| {
        let mut hops = elements(headers, header::FORWARDED.as_str())?;
        hops.find_map(|hop| parameter(hop, "proto"))
    });
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// Returns the elements of a list header in order, or `None` if it is absent.
pub(crate) fn elements<'a>(headers: &'a HeaderMap, name: &str) -> Option<impl Iterator<Item = &'a str>> {
    headers.contains_key(name).then(|| {
        let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default());
        lines.flat_map(|line| line.split(',')).collect::<Vec<_>>().into_iter()
    })
}

/// Returns a parameter of an element of `Forwarded`, without its quotes.
///
/// A quoted string with a comma or a semicolon in it is not supported.
pub(crate) fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(other, _)| other.trim().eq_ignore_ascii_case(name))?;
    let value = value.trim();
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    #[test]
    fn the_scheme_is_that_of_the_first_element() {
        const PROTO: &str = X_FORWARDED_PROTO;
        for (lines, expected) in [
            (&[][..], false),
            (&[(PROTO, "https")], true),
            (&[(PROTO, "HTTPS")], true),
            (&[(PROTO, "https,http")], true),
            (&[(PROTO, " https , http")], true),
            (&[(PROTO, "http, https")], false),
            (&[(PROTO, "https"), (PROTO, "http")], true),
            (&[(PROTO, "http"), (PROTO, "https")], false),
            (&[(PROTO, "httpsx")], false),
            (&[(PROTO, " , https, http")], true),
            (&[(PROTO, ""), (PROTO, "https")], true),
            (&[("forwarded", "proto=https")], true),
            (&[("forwarded", "for=192.0.2.1;Proto=\"HTTPS\";by=10.0.0.1, proto=http")], true),
            (&[("forwarded", "for=192.0.2.1, for=10.0.0.2; proto=https")], true),
            (&[("forwarded", "proto=http"), ("forwarded", "proto=https")], false),
            (&[("forwarded", "for=192.0.2.1")], false),
            (&[(PROTO, "http"), ("forwarded", "proto=https")], false),
            (&[(PROTO, ""), ("forwarded", "proto=https")], true),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), value.parse().unwrap());
            }
            assert_eq!(is_https(&headers), expected, "{lines:?}");
        }
    }
}
