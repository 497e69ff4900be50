//! Authentication: finds the user who sent a request.

use crate::http::error::ApiError;
use async_trait::async_trait;
use chat_core::{Chat, Session, api::UserId};
use http::{HeaderMap, header, request::Parts};
use std::{borrow::Cow, error::Error, fmt, sync::Arc};

/// Authenticates callers with the credentials of a host application.
///
/// Without an authenticator the service uses the tokens that the chat itself issues.
///
/// ```
/// use chat_core::{Chat, api::UserId, store::Store};
/// use chat_server::{AuthError, Authenticator, ChatService};
/// use http::{header, request::Parts};
/// use std::{collections::HashMap, sync::Arc};
///
/// /// The host's sessions, by the text of the `Authorization` header.
/// #[derive(Debug)]
/// struct Sessions(HashMap<String, UserId>);
///
/// #[async_trait::async_trait]
/// impl Authenticator for Sessions {
///     async fn authenticate(&self, request: &Parts) -> Result<UserId, AuthError> {
///         let value = request.headers.get(header::AUTHORIZATION).ok_or(AuthError::Missing)?;
///         let session = value.to_str().map_err(|_| AuthError::Invalid)?;
///         self.0.get(session).copied().ok_or(AuthError::Invalid)
///     }
/// }
///
/// fn service(store: Arc<dyn Store>, sessions: Sessions) -> ChatService {
///     ChatService::builder(Chat::new(store)).authenticator(sessions).build()
/// }
/// ```
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// Returns the caller of a request.
    ///
    /// The caller must be a user of the chat: see [`Chat::ensure_user`]. The extensions of the request are those of the
    /// host server, so a middleware that has authenticated the caller can pass the user in them.
    ///
    /// # Errors
    /// [`AuthError`] if the request has no valid caller, or if the credentials cannot be checked at the moment.
    async fn authenticate(&self, request: &Parts) -> Result<UserId, AuthError>;
}

/// Why a request has no valid caller.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request carries no credentials: 401.
    #[error("the request carries no credentials")]
    Missing,
    /// The credentials are unknown, revoked or expired: 401.
    #[error("the credentials are unknown, revoked or expired")]
    Invalid,
    /// The user of the credentials is disabled: 401.
    #[error("the user is disabled")]
    Inactive,
    /// The credentials cannot be checked at the moment: 503.
    ///
    /// The client may try again later. The server logs the error.
    #[error("the credentials cannot be checked at the moment")]
    Unavailable(#[source] Arc<dyn Error + Send + Sync>),
}

impl AuthError {
    /// Returns [`AuthError::Unavailable`] because of an error of the host.
    pub fn unavailable(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(error))
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing => Self::unauthorized(NOT_PROVIDED),
            AuthError::Invalid => chat_core::Error::InvalidToken.into(),
            AuthError::Inactive => chat_core::Error::InactiveUser.into(),
            AuthError::Unavailable(error) => Self::authenticator_unavailable(error),
        }
    }
}

/// An authenticated caller. Only the pipeline creates one; handlers receive it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) user: UserId,
    /// The session, if the caller was authenticated by a token of the chat.
    pub(crate) session: Option<Session>,
}

const NOT_PROVIDED: &str = "Authentication credentials were not provided.";
const NO_CREDENTIALS: &str = "Invalid token header. No credentials provided.";
const WITH_SPACES: &str = "Invalid token header. Token string should not contain spaces.";
const BAD_CHARACTERS: &str = "Invalid token header. Token string should not contain invalid characters.";

/// Authenticates the caller by a token that the chat issued.
///
/// # Errors
/// 401 if the header has no valid token, 503 if the database is not available.
pub(crate) async fn by_token(chat: &Chat, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let value = authorization(headers).ok_or(ApiError::unauthorized(NOT_PROVIDED))?;
    let key = key(&value).map_err(ApiError::unauthorized)?;
    let session = chat.authenticate(key).await?;
    Ok(Caller { user: session.user, session: Some(session) })
}

/// Returns the value of the `Authorization` header; joins several by commas.
fn authorization(headers: &HeaderMap) -> Option<Cow<'_, [u8]>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let mut joined = Cow::Borrowed(values.next()?.as_bytes());
    for value in values {
        joined.to_mut().push(b',');
        joined.to_mut().extend_from_slice(value.as_bytes());
    }
    Some(joined)
}

/// Returns the key in the value of an `Authorization` header.
///
/// The forms are `Token <key>`, `Bearer <key>`, and a bare key of 40 hexadecimal digits.
///
/// # Errors
/// The detail of the 401.
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
    fn several_headers_are_joined() {
        let mut headers = HeaderMap::new();
        headers.append(header::AUTHORIZATION, "Token a".parse().unwrap());
        headers.append(header::AUTHORIZATION, "Token b".parse().unwrap());
        assert_eq!(key(&authorization(&headers).unwrap()), Err(WITH_SPACES));
    }
}
