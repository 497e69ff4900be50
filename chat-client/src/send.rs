//! Sending a message.

use crate::{Client, Error, error::ErrorKind};
use chat_core::api::{IDEMPOTENCY_KEY, Message, SendMessage, ThreadId, endpoints::CreateMessage};
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue};
use std::fmt;
use uuid::Uuid;

/// Sends a message; created by [`Client::send`].
///
/// Await it to send the request. It resolves to the stored message.
///
/// The request carries an idempotency key, so that retries add only one message. A clone has the same key. If both are
/// awaited, one message is added and both return it.
///
/// ```no_run
/// # use chat_client::{Client, Error, ThreadId};
/// # async fn example(ann: Client, thread: ThreadId) -> Result<(), Error> {
/// // The key comes from the job, so that repeating the job after a crash sends nothing twice.
/// let message = ann.send(thread, "The report is ready.").idempotency_key("report-2026-01").await?;
/// println!("message {} at {}", message.id, message.created);
/// # Ok(())
/// # }
/// ```
#[must_use = "no message is sent until it is awaited"]
#[derive(Clone)]
pub struct SendMessageBuilder {
    client: Client,
    message: SendMessage,
    key: String,
}

impl fmt::Debug for SendMessageBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendMessageBuilder").field("message", &self.message).finish_non_exhaustive()
    }
}

impl Client {
    /// Sends a message to a thread.
    ///
    /// The text has 1 to 250 code points after trimming, unless the server has another limit. See
    /// [`SendMessageBuilder`] for the options and an example.
    ///
    /// # Errors
    /// Besides the [errors of every call](Client#errors-of-every-call), when awaited:
    /// - [`is_invalid`](Error::is_invalid) if the caller has no such thread, the text is blank or too long, or the
    ///   idempotency key is not 1 to 255 visible ASCII characters.
    /// - [`is_conflict`](Error::is_conflict) if the idempotency key was used with another message.
    /// - [`is_builder`](Error::is_builder) if the idempotency key is not a valid header value.
    pub fn send(&self, thread: ThreadId, text: impl Into<String>) -> SendMessageBuilder {
        let message = SendMessage { thread, text: text.into(), is_read: None };
        SendMessageBuilder { client: self.clone(), message, key: Uuid::new_v4().to_string() }
    }
}

impl SendMessageBuilder {
    /// Sets whether the message is stored as read. The default is `false`.
    pub fn is_read(mut self, is_read: bool) -> Self {
        self.message.is_read = Some(is_read);
        self
    }

    /// Sets the idempotency key: 1 to 255 visible ASCII characters.
    ///
    /// The default is a random key. Store your own key with the message to send it again after a crash without adding
    /// it twice. The same key with another message is a [conflict](Error::is_conflict).
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }
}

impl IntoFuture for SendMessageBuilder {
    type Output = Result<Message, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let key = HeaderValue::try_from(&self.key).map_err(|_| {
                Error::new(ErrorKind::Builder(
                    "the idempotency key contains characters not allowed in a header",
                ))
                .with_hint("use visible ASCII characters")
            })?;
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static(IDEMPOTENCY_KEY), key)]);
            Ok(self.client.call_for_response::<CreateMessage>((), &(), &self.message, headers).await?.body)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        let client =
            Client::new("http://127.0.0.1:1").unwrap().with_token(chat_core::api::Token::new("s3cret"));
        let client = client.unwrap();
        let send = client.send(ThreadId::new(Uuid::nil()), "s3cret").idempotency_key("s3cret");
        let sign_in = client.sign_in("ann", "s3cret");
        for shown in [format!("{send:?}"), format!("{sign_in:?}"), format!("{client:?}")] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
