//! Reading a response up to a length limit, and decoding it.

use crate::{
    Error,
    error::{ErrorKind, ErrorResponse},
    retry_after,
};
use bytes::{Bytes, BytesMut};
use chat_core::api::{Detail, FieldErrors, REQUEST_ID};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

/// A response whose body was read to its end.
pub(crate) struct ApiResponse<B> {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: B,
}

/// Reads a response of at most `limit` bytes, with or without a Content-Length.
pub(crate) async fn read(mut response: reqwest::Response, limit: usize) -> Result<ApiResponse<Bytes>, Error> {
    let too_large =
        || Error::new(ErrorKind::TooLarge(limit)).with_hint("request a page of the list, or raise the limit");
    // A Content-Length over the limit is an error before the body is read.
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Error::transport)? {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    Ok(ApiResponse { status, headers, body: body.freeze() })
}

impl ApiResponse<Bytes> {
    /// Returns an error unless the status is one of `success`.
    pub(crate) fn error_for_status(self, success: &[StatusCode]) -> Result<Self, Error> {
        if success.contains(&self.status) {
            Ok(self)
        } else if self.status.is_success() {
            Err(Error::new(ErrorKind::Decode(format!("unexpected status {}", self.status))))
        } else {
            Err(Error::new(ErrorKind::Status(self.error_response())))
        }
    }

    /// Decodes the JSON body.
    pub(crate) fn decode<T: DeserializeOwned>(self) -> Result<ApiResponse<T>, Error> {
        let body = if self.body.is_empty() { b"null".as_slice() } else { &self.body };
        // The error of serde_json is not used: it quotes the invalid value, which may be a token or a message text.
        let body = serde_json::from_slice(body).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            let media_type = text(&self.headers, header::CONTENT_TYPE.as_str()).unwrap_or("no content type");
            let what = if error.is_data() { "unexpected JSON" } else { "no JSON" };
            Error::new(ErrorKind::Decode(format!("{what} at {place} ({media_type})")))
        })?;
        Ok(ApiResponse { status: self.status, headers: self.headers, body })
    }

    fn error_response(&self) -> ErrorResponse {
        let detail = serde_json::from_slice(&self.body).ok().map(|Detail { detail }| detail);
        // A `{"detail": ...}` body has no errors by field. A body that is not JSON has neither.
        let fields: Option<FieldErrors> = serde_json::from_slice(&self.body).ok();
        ErrorResponse {
            status: self.status,
            detail,
            fields: fields.unwrap_or_default(),
            request_id: text(&self.headers, REQUEST_ID).map(str::to_owned),
            retry_after: retry_after::of(&self.headers),
        }
    }
}

impl<T> ApiResponse<T> {
    /// Returns whether the Link header names a next page.
    pub(crate) fn has_next(&self) -> bool {
        self.next_link().is_some()
    }

    /// Returns a query parameter of the next page that the Link header names.
    ///
    /// The address itself is not used: it may be reachable only from the network of the server.
    pub(crate) fn next_parameter(&self, name: &str) -> Option<String> {
        let address = self.next_link()?.split(';').next()?.trim();
        let address = address.strip_prefix('<')?.strip_suffix('>')?;
        let address = reqwest::Url::parse(address).ok()?;
        let (_, value) = address.query_pairs().find(|(key, _)| key == name)?;
        Some(value.into_owned())
    }

    fn next_link(&self) -> Option<&str> {
        self.headers
            .get_all(header::LINK)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .find(|link| link.split(';').skip(1).any(|parameter| is_rel_next(parameter.trim())))
    }
}

fn is_rel_next(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        name.trim().eq_ignore_ascii_case("rel")
            && value.trim_matches(['"', ' ']).split(' ').any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(link: &'static str) -> ApiResponse<()> {
        let headers = HeaderMap::from_iter([(header::LINK, http::HeaderValue::from_static(link))]);
        ApiResponse { status: StatusCode::OK, headers, body: () }
    }

    fn linked(link: &'static str) -> bool {
        response(link).has_next()
    }

    #[test]
    fn only_a_link_with_rel_next_names_a_next_page() {
        assert!(linked(r#"<http://localhost/?after=1>; rel="next""#));
        assert!(linked("<http://localhost/?a=1>; rel=prev, <http://localhost/?after=1>; Rel=NEXT"));
        assert!(linked(r#"<http://localhost/?after=1>; rel = "last next""#));
        assert!(!linked(r#"<http://localhost/?rel=next>; rel="prev""#));
    }

    #[test]
    fn a_parameter_of_the_next_page_is_read_from_its_link() {
        let after = |link| response(link).next_parameter("after");
        assert_eq!(after(r#"<http://localhost/?x=1&after=a%2Bb.7>; rel="next""#).as_deref(), Some("a+b.7"));
        assert_eq!(
            after(r#"<http://localhost/?after=1>; rel="prev", <http://localhost/>; rel="next""#),
            None
        );
        assert_eq!(after(r#"</?after=1>; rel="next""#), None);
    }

    #[test]
    fn a_decode_error_does_not_quote_the_body() {
        let response = ApiResponse {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(br#""5ec2e7""#),
        };
        let error = response.decode::<chat_core::api::IssuedToken>().err().unwrap();
        assert!(error.is_decode());
        assert!(!format!("{error} {error:?}").contains("5ec2e7"));
    }
}
