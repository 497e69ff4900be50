//! Letting the pages of other origins call the API from a browser: nobody's, unless they are named.

use http::{HeaderMap, HeaderValue, Method, Uri, header};
use std::{fmt, str::FromStr};

/// The origin of a web page: scheme, host, and port where it is not the scheme's own, as in `https://chat.example`.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// A text that is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is written as in https://chat.example or http://localhost:3000: no path, no wildcard")]
pub struct ParseOriginError;

impl FromStr for Origin {
    type Err = ParseOriginError;

    /// Reads an origin and puts it as browsers do, who compare nothing but bytes.
    fn from_str(text: &str) -> Result<Self, ParseOriginError> {
        let uri: Uri = text.parse().map_err(|_| ParseOriginError)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(ParseOriginError);
        };
        let whole = uri.path() == "/" && uri.query().is_none() && !text.ends_with('/');
        if !whole || authority.as_str().contains(['@', '*']) || authority.host().is_empty() {
            return Err(ParseOriginError);
        }
        let own_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(ParseOriginError),
        };
        let host = authority.host().to_ascii_lowercase();
        let origin = match authority.port_u16() {
            Some(port) if port != own_port => format!("{scheme}://{host}:{port}"),
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

/// What a page may send beside what every page may.
const ALLOW_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, x-request-id");

/// What a page may read beside what every page may.
const EXPOSE_HEADERS: HeaderValue =
    HeaderValue::from_static("link, x-request-id, retry-after, idempotency-replayed");

/// For how many seconds a browser need not ask again; the longest that any of them believes.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The origins whose pages may call.
///
/// They are never allowed "credentials", which is CORS's word for cookies: a page that holds a token sends it in a
/// header, so nothing that a browser adds by itself ever speaks for a user.
#[derive(Debug, Default)]
pub(crate) struct Cors {
    origins: Vec<Origin>,
}

impl Cors {
    pub(crate) const fn new(origins: Vec<Origin>) -> Self {
        Self { origins }
    }

    /// What a request's origin is allowed: to be put into the answer, whatever that is.
    pub(crate) fn grant(&self, method: &Method, request: &HeaderMap) -> Grant {
        if self.origins.is_empty() {
            return Grant::Off;
        }
        let origin =
            request.get(header::ORIGIN).filter(|origin| self.origins.iter().any(|one| one.0 == **origin));
        let Some(origin) = origin.cloned() else { return Grant::Nothing };
        let asks = *method == Method::OPTIONS && request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if asks { Grant::Preflight(origin) } else { Grant::Request(origin) }
    }
}

/// What the browser is told with an answer.
pub(crate) enum Grant {
    /// Nothing: no origin is allowed anything.
    Off,
    /// Nothing, but another origin would be told something.
    Nothing,
    /// That the page may read this answer.
    Request(HeaderValue),
    /// What the page may ask; the answer names the methods in `Allow`.
    Preflight(HeaderValue),
}

impl Grant {
    /// Puts it into the answer.
    pub(crate) fn apply(self, answer: &mut HeaderMap) {
        if matches!(self, Self::Off) {
            return;
        }
        answer.append(header::VARY, HeaderValue::from_static("origin"));
        match self {
            Self::Off | Self::Nothing => {}
            Self::Request(origin) => {
                answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSE_HEADERS);
            }
            Self::Preflight(origin) => {
                answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                if let Some(methods) = answer.get(header::ALLOW).cloned() {
                    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
                }
                answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOW_HEADERS);
                answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_put_as_browsers_put_them() {
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
    fn what_is_no_origin_is_refused() {
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
