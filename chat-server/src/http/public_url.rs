//! The URL at which clients see the server.

use super::host::is_host;
use http::Uri;
use std::{fmt, str::FromStr};

/// The URL at which clients see the server, such as `https://chat.example`.
///
/// It has a scheme (`http` or `https`) and a host. If a proxy removes a prefix from the path, it has that prefix too:
/// `https://example.org/talk`.
///
/// ```
/// let url: chat_server::PublicUrl = "https://chat.example/".parse()?;
/// assert_eq!(url.to_string(), "https://chat.example");
/// # Ok::<(), chat_server::ParsePublicUrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

/// The error of parsing a text that is not the URL of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the URL of a server: write it as in https://chat.example, without user, query or fragment")]
pub struct ParsePublicUrlError;

impl PublicUrl {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = ParsePublicUrlError;

    fn from_str(text: &str) -> Result<Self, ParsePublicUrlError> {
        let uri: Uri = text.parse().map_err(|_| ParsePublicUrlError)?;
        let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme));
        let host = uri.authority().map(|authority| authority.as_str()).filter(|host| is_host(host));
        match (scheme, host) {
            // The parser of `http` drops a fragment.
            (Some(scheme), Some(host)) if uri.query().is_none() && !text.contains('#') => {
                Ok(Self(format!("{scheme}://{host}{}", uri.path().trim_end_matches('/'))))
            }
            _ => Err(ParsePublicUrlError),
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_has_a_scheme_a_host_and_no_more_than_a_path() {
        for (text, expected) in [
            ("https://chat.example", "https://chat.example"),
            ("HTTPS://chat.example:8443/", "https://chat.example:8443"),
            ("http://[::1]:8000", "http://[::1]:8000"),
            ("https://example.org/talk/", "https://example.org/talk"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "chat.example",
            "chat.example:443",
            "/talk",
            "ftp://chat.example",
            "https://",
            "https://ann@chat.example",
            "https://chat.example?a=b",
            "https://chat.example/#top",
            "https://*",
        ] {
            assert_eq!(text.parse::<PublicUrl>(), Err(ParsePublicUrlError), "{text}");
        }
    }
}
