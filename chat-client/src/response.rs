//! Reading an answer: under a limit, and into what it should be.

use crate::{
    Error,
    error::{Kind, Refusal},
};
use bytes::{Bytes, BytesMut};
use chat_core::api::{Detail, FieldErrors, REQUEST_ID};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// An answer read to its end.
pub(crate) struct Answer<B> {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: B,
}

/// Reads an answer, however it was sent, up to `limit` bytes.
pub(crate) async fn read(mut response: reqwest::Response, limit: usize) -> Result<Answer<Bytes>, Error> {
    let too_large = || Error::new(Kind::TooLarge(limit));
    // Told beforehand there is no need to read any of it.
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
    Ok(Answer { status, headers, body: body.freeze() })
}

impl Answer<Bytes> {
    /// Fails unless the status is one of `success`.
    pub(crate) fn succeeded(self, success: &[StatusCode]) -> Result<Self, Error> {
        if success.contains(&self.status) {
            Ok(self)
        } else if self.status.is_success() {
            Err(Error::new(Kind::Decode(format!("{} was not expected here", self.status))))
        } else {
            Err(Error::new(Kind::Refused(self.refusal())))
        }
    }

    /// The body as what the contract says it is.
    pub(crate) fn decode<T: DeserializeOwned>(self) -> Result<Answer<T>, Error> {
        let body = if self.body.is_empty() { b"null".as_slice() } else { &self.body };
        // serde_json's own words quote the value they stumble over, which may be a token or somebody's message.
        let body = serde_json::from_slice(body).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            let media_type = text(&self.headers, header::CONTENT_TYPE.as_str()).unwrap_or("no type");
            let what = if error.is_data() { "another shape of JSON" } else { "not JSON" };
            Error::new(Kind::Decode(format!("{what} at {place} ({media_type})")))
        })?;
        Ok(Answer { status: self.status, headers: self.headers, body })
    }

    fn refusal(&self) -> Refusal {
        let detail = serde_json::from_slice(&self.body).ok().map(|Detail { detail }| detail);
        // `{"detail": …}` could be read as neither, a page of HTML as nothing at all.
        let fields: Option<FieldErrors> = serde_json::from_slice(&self.body).ok();
        Refusal {
            status: self.status,
            detail,
            fields: fields.unwrap_or_default(),
            request_id: text(&self.headers, REQUEST_ID).map(str::to_owned),
            retry_after: text(&self.headers, header::RETRY_AFTER.as_str())
                .and_then(|seconds| seconds.trim().parse().ok())
                .map(Duration::from_secs),
        }
    }
}

impl<T> Answer<T> {
    /// Whether the answer names a next page.
    pub(crate) fn has_next(&self) -> bool {
        self.headers
            .get_all(header::LINK)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|link| link.split(';').skip(1).any(|parameter| is_rel_next(parameter.trim())))
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

    fn linked(link: &'static str) -> bool {
        let headers = HeaderMap::from_iter([(header::LINK, http::HeaderValue::from_static(link))]);
        Answer { status: StatusCode::OK, headers, body: () }.has_next()
    }

    #[test]
    fn only_a_link_to_the_next_page_counts() {
        assert!(linked(r#"<http://localhost/?after=1>; rel="next""#));
        assert!(linked("<http://localhost/?a=1>; rel=prev, <http://localhost/?after=1>; Rel=NEXT"));
        assert!(linked(r#"<http://localhost/?after=1>; rel = "last next""#));
        assert!(!linked(r#"<http://localhost/?rel=next>; rel="prev""#));
    }

    #[test]
    fn what_an_answer_says_is_not_repeated_in_the_error() {
        let answer = Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(br#""5ec2e7""#),
        };
        let error = answer.decode::<chat_core::api::IssuedToken>().err().unwrap();
        assert!(error.is_decode());
        assert!(!format!("{error} {error:?}").contains("5ec2e7"));
    }
}
