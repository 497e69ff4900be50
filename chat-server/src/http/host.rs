//! The host that the client sent.

use http::{HeaderMap, Uri, header};
use std::net::Ipv6Addr;

/// Returns the host that the client sent.
///
/// It is the host of the request target, else that of the `Host` header. Without a valid one it is `localhost`.
pub(crate) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> &'a str {
    match uri.authority() {
        Some(authority) => authority.as_str().rsplit('@').next().unwrap_or_default(),
        None => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            host.filter(|host| is_host(host)).unwrap_or("localhost")
        }
    }
}

/// Returns whether a request has exactly one `Host` header, and a valid one.
///
/// A valid one has a host and an optional port: see [`is_host`].
pub(crate) fn has_valid_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().is_ok_and(is_host),
        _ => false,
    }
}

/// Returns whether a text is a host with an optional port.
///
/// A host is a name, an IPv4 address, or an IPv6 address in brackets.
pub(crate) fn is_host(text: &str) -> bool {
    let (is_host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => (address.parse::<Ipv6Addr>().is_ok(), port),
            None => return false,
        },
        None => {
            let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (!name.is_empty() && name.bytes().all(is_name_byte), port)
        }
    };
    is_host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

/// Returns whether a host name can have this byte.
///
/// Names of containers can have underscores.
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

/// Returns whether a text is a port. It can be empty (RFC 3986, section 3.2.3).
fn is_port(text: &str) -> bool {
    text.is_empty() || text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_an_optional_port() {
        for host in [
            "chat.example",
            "Chat.Example:8000",
            "localhost:",
            "my_service:80",
            "127.0.0.1:65535",
            "[::1]",
            "[2001:db8::1]:443",
            "xn--bcher-kva.example.",
        ] {
            assert!(is_host(host), "{host}");
        }
        for host in [
            "",
            ":80",
            "a b",
            "a,b",
            "a/b",
            "a?b",
            "a#b",
            "ann@chat.example",
            "chat.example:http",
            "chat.example:+80",
            "chat.example:65536",
            "chat.example:80:80",
            "::1",
            "[::1",
            "[::1]80",
            "[chat.example]",
            "bücher.example",
            "a\"b",
            "<a>",
            "a%20b",
            "http://chat.example",
        ] {
            assert!(!is_host(host), "{host}");
        }
    }
}
