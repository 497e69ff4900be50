//! Sending a message.

use crate::{Client, Error, error::Kind};
use chat_core::api::{IDEMPOTENCY_KEY, Message, SendMessage, ThreadId, endpoints::CreateMessage};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use std::fmt;
use uuid::Uuid;

/// Sends a message: await it for the message as the server keeps it.
///
/// It carries an idempotency key, so that it is sent once however often it has to be tried: awaiting a clone, with the
/// same key, gives the same message.
#[must_use = "a message is sent when it is awaited"]
#[derive(Clone)]
pub struct Sending {
    client: Client,
    message: SendMessage,
    key: String,
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("message", &self.message).finish_non_exhaustive()
    }
}

impl Client {
    /// Sends a message to a thread: 1 to 250 characters unless the server is configured otherwise.
    pub fn send(&self, thread: ThreadId, text: impl Into<String>) -> Sending {
        let message = SendMessage { thread, text: text.into(), is_read: None };
        Sending { client: self.clone(), message, key: Uuid::new_v4().to_string() }
    }
}

impl Sending {
    /// Whether it counts as read from the start.
    pub fn is_read(mut self, is_read: bool) -> Self {
        self.message.is_read = Some(is_read);
        self
    }

    /// Sends it under this key instead of a random one: 1 to 255 visible ASCII characters. Keep the key beside the
    /// message and it can be sent again after a crash; with another message it is a
    /// [conflict](Error::is_conflict).
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }
}

impl IntoFuture for Sending {
    type Output = Result<Message, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let key = HeaderValue::try_from(&self.key)
                .map_err(|_| Error::new(Kind::Invalid("no header can carry this idempotency key")))?;
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static(IDEMPOTENCY_KEY), key)]);
            Ok(self.client.answer::<CreateMessage>((), &(), &self.message, headers).await?.body)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let client =
            Client::new("http://127.0.0.1:1").unwrap().with_token(chat_core::api::Token::new("s3cret"));
        let client = client.unwrap();
        let sending = client.send(ThreadId::new(Uuid::nil()), "s3cret").idempotency_key("s3cret");
        let signing_in = client.sign_in("ann", "s3cret");
        for shown in [format!("{sending:?}"), format!("{signing_in:?}"), format!("{client:?}")] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
