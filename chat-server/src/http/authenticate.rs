//! Who is calling.

use crate::http::error::ApiError;
use async_trait::async_trait;
use chat_core::{Chat, Error, Session, api::UserId};
use http::{HeaderMap, header};
use std::{borrow::Cow, fmt};

/// Tells from a request's headers who is calling. The tokens that the chat itself issues are the usual way; a host
/// application with a log-in of its own brings its own.
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// The caller, whom the chat knows as a user (see [`Chat::ensure_user`]).
    ///
    /// # Errors
    /// [`AuthError`] tells why nobody is.
    async fn authenticate(&self, headers: &HeaderMap) -> Result<UserId, AuthError>;
}

/// Why a request has no caller.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AuthError {
    /// It carries no credentials.
    Missing,
    /// Its credentials are not good, or not any more.
    Invalid,
    /// Its user is disabled.
    Inactive,
    /// Nobody could tell at the moment: the client may try again later.
    Unavailable,
}

impl From<AuthError> for ApiError {
    fn from(denied: AuthError) -> Self {
        match denied {
            AuthError::Missing => Self::unauthorized(NOT_PROVIDED),
            AuthError::Invalid => Error::InvalidToken.into(),
            AuthError::Inactive => Error::InactiveUser.into(),
            AuthError::Unavailable => Error::Unavailable(chat_core::store::StoreError::Busy).into(),
        }
    }
}

/// A caller who has been recognised. Handlers receive one and cannot make one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) user: UserId,
    /// The session, when it was one of our tokens that spoke for him.
    pub(crate) session: Option<Session>,
}

const NOT_PROVIDED: &str = "Authentication credentials were not provided.";
const NO_CREDENTIALS: &str = "Invalid token header. No credentials provided.";
const WITH_SPACES: &str = "Invalid token header. Token string should not contain spaces.";
const BAD_CHARACTERS: &str = "Invalid token header. Token string should not contain invalid characters.";

/// Recognises the caller by a token of the chat's own.
pub(crate) async fn by_token(chat: &Chat, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let value = authorization(headers).ok_or(ApiError::unauthorized(NOT_PROVIDED))?;
    let key = key(&value).map_err(ApiError::unauthorized)?;
    let session = chat.authenticate(key).await?;
    Ok(Caller { user: session.user, session: Some(session) })
}

/// The header's value; several are read as one joined by commas.
fn authorization(headers: &HeaderMap) -> Option<Cow<'_, [u8]>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let mut joined = Cow::Borrowed(values.next()?.as_bytes());
    for value in values {
        joined.to_mut().push(b',');
        joined.to_mut().extend_from_slice(value.as_bytes());
    }
    Some(joined)
}

/// The key in `Token <key>`, `Bearer <key>` or a bare key of 40 hexadecimal digits, or what is wrong with it.
fn key(value: &[u8]) -> Result<&str, &'static str> {
    let mut words = value.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let scheme = words.next().ok_or(NOT_PROVIDED)?;
    if !(scheme.eq_ignore_ascii_case(b"Token") || scheme.eq_ignore_ascii_case(b"Bearer")) {
        let bare = scheme.len() == 40 && scheme.iter().all(u8::is_ascii_hexdigit) && words.next().is_none();
        return std::str::from_utf8(scheme).ok().filter(|_| bare).ok_or(NOT_PROVIDED);
    }
    let key = words.next().ok_or(NO_CREDENTIALS)?;
    if words.next().is_some() {
        return Err(WITH_SPACES);
    }
    std::str::from_utf8(key).map_err(|_| BAD_CHARACTERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_as_the_contract_says() {
        let hex = "0123456789abcdef0123456789ABCDEF01234567";
        for (value, read) in [
            ("Token abc", Ok("abc")),
            ("tOKEN \t abc ", Ok("abc")),
            ("Bearer abc", Ok("abc")),
            (hex, Ok(hex)),
            ("", Err(NOT_PROVIDED)),
            ("Basic abc", Err(NOT_PROVIDED)),
            ("Token:abc", Err(NOT_PROVIDED)),
            ("Token=abc", Err(NOT_PROVIDED)),
            ("abc", Err(NOT_PROVIDED)),
            ("Token", Err(NO_CREDENTIALS)),
            ("Token  ", Err(NO_CREDENTIALS)),
            ("Token a b", Err(WITH_SPACES)),
        ] {
            assert_eq!(key(value.as_bytes()), read, "{value:?}");
        }
        assert_eq!(key(b"Token \xff\xfe"), Err(BAD_CHARACTERS));
    }

    #[test]
    fn several_headers_are_one() {
        let mut headers = HeaderMap::new();
        headers.append(header::AUTHORIZATION, "Token a".parse().unwrap());
        headers.append(header::AUTHORIZATION, "Token b".parse().unwrap());
        assert_eq!(key(&authorization(&headers).unwrap()), Err(WITH_SPACES));
    }
}
