//! CORS: the web origins that may call the API from a browser. The default is none.

use http::{HeaderMap, HeaderValue, Method, Uri, header};
use std::{fmt, str::FromStr};

/// The origin of a web page, such as `https://chat.example`.
///
/// It has a scheme, a host, and a port if that is not the default of the scheme.
///
/// ```
/// let origin: chat_server::Origin = "https://Chat.Example:443".parse()?;
/// assert_eq!(origin, "https://chat.example".parse()?);
/// # Ok::<(), chat_server::ParseOriginError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// The error of parsing a text that is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an origin: write it as in https://chat.example or http://localhost:3000, without path or wildcard"
)]
pub struct ParseOriginError;

impl FromStr for Origin {
    type Err = ParseOriginError;

    /// Parses an origin and normalises it to the form that browsers send.
    ///
    /// Origins are compared byte by byte.
    fn from_str(text: &str) -> Result<Self, ParseOriginError> {
        let uri: Uri = text.parse().map_err(|_| ParseOriginError)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(ParseOriginError);
        };
        let is_bare = uri.path() == "/" && uri.query().is_none() && !text.ends_with('/');
        if !is_bare || authority.as_str().contains(['@', '*']) || authority.host().is_empty() {
            return Err(ParseOriginError);
        }
        let default_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(ParseOriginError),
        };
        let host = authority.host().to_ascii_lowercase();
        let origin = match authority.port_u16() {
            Some(port) if port != default_port => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        };
        HeaderValue::try_from(origin).map(Self).map_err(|_| ParseOriginError)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Request headers that a page may send besides the CORS-safelisted ones.
const ALLOW_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, x-request-id");

/// Response headers that a page may read besides the CORS-safelisted ones.
const EXPOSE_HEADERS: HeaderValue =
    HeaderValue::from_static("link, x-request-id, retry-after, idempotency-replayed");

/// How many seconds a browser may cache a preflight response.
///
/// It is the longest time that Chromium accepts. Firefox accepts 24 hours.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The origins that may call the API.
///
/// They may never send "credentials", the CORS term for cookies. A page sends its token in a header. So nothing that a
/// browser adds by itself authenticates a user.
#[derive(Debug, Default)]
pub(crate) struct Cors {
    origins: Vec<Origin>,
}

impl Cors {
    pub(crate) const fn new(origins: Vec<Origin>) -> Self {
        Self { origins }
    }

    /// Returns the permission of the request's origin.
    ///
    /// The caller applies it to the response, whatever its status.
    pub(crate) fn grant(&self, method: &Method, request: &HeaderMap) -> Grant {
        if self.origins.is_empty() {
            return Grant::Disabled;
        }
        let origin =
            request.get(header::ORIGIN).filter(|origin| self.origins.iter().any(|one| one.0 == **origin));
        let Some(origin) = origin.cloned() else { return Grant::Denied };
        let is_preflight =
            *method == Method::OPTIONS && request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if is_preflight { Grant::Preflight(origin) } else { Grant::Allowed(origin) }
    }
}

/// The CORS permission that the headers of a response express.
pub(crate) enum Grant {
    /// CORS is not configured: no header is added.
    Disabled,
    /// The request has no origin, or one that is not allowed.
    ///
    /// Caches must not reuse the response for an origin that is allowed, so the response has `Vary: origin`.
    Denied,
    /// The page may read this response.
    Allowed(HeaderValue),
    /// The response answers a preflight request. Its `Allow` header has the methods.
    Preflight(HeaderValue),
}

impl Grant {
    /// Adds the headers to a response.
    pub(crate) fn apply(self, response: &mut HeaderMap) {
        if matches!(self, Self::Disabled) {
            return;
        }
        response.append(header::VARY, HeaderValue::from_static("origin"));
        match self {
            Self::Disabled | Self::Denied => {}
            Self::Allowed(origin) => {
                response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSE_HEADERS);
            }
            Self::Preflight(origin) => {
                response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                if let Some(methods) = response.get(header::ALLOW).cloned() {
                    response.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
                }
                response.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOW_HEADERS);
                response.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_normalised_as_browsers_send_them() {
        for (text, origin) in [
            ("https://chat.example", "https://chat.example"),
            ("HTTPS://Chat.Example:443", "https://chat.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://localhost:80", "http://localhost"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(text.parse::<Origin>().map(|origin| origin.0), Ok(HeaderValue::from_static(origin)));
        }
    }

    #[test]
    fn a_text_that_is_not_an_origin_is_refused() {
        for text in [
            "*",
            "null",
            "",
            "chat.example",
            "https://",
            "https://*.example",
            "https://chat.example/",
            "https://chat.example/page",
            "https://chat.example?a",
            "https://me@chat.example",
            "ftp://chat.example",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(ParseOriginError), "{text}");
        }
    }
}
