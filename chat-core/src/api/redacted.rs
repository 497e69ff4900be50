//! `Debug` of types with secrets: passwords and the texts of messages.
//!
//! No log may contain these secrets.

use super::{Credentials, EditMessage, Message, PasswordChange, SendMessage, SignIn};
use std::fmt::{self, Debug, Formatter};

/// The placeholder of a secret.
pub(crate) struct Redacted;

impl Debug for Redacted {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Debug for Credentials {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

impl Debug for SignIn {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SignIn");
        shown.field("username", &self.username).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Debug for PasswordChange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordChange").finish_non_exhaustive()
    }
}

impl Debug for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("sender", &self.sender)
            .field("thread", &self.thread)
            .field("text", &Redacted)
            .field("created", &self.created)
            .field("is_read", &self.is_read)
            .finish()
    }
}

impl Debug for SendMessage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SendMessage");
        shown.field("thread", &self.thread).field("text", &Redacted).field("is_read", &self.is_read).finish()
    }
}

impl Debug for EditMessage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("EditMessage")
            .field("thread", &self.thread)
            .field("text", &self.text.as_ref().map(|_| Redacted))
            .field("is_read", &self.is_read)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{IssuedToken, MessageId, ThreadId, Timestamp, Token, UserId};

    #[test]
    fn debug_shows_no_secret() {
        let secret = || "s3cret".to_owned();
        let (thread, text) = (ThreadId::new(uuid::Uuid::nil()), secret());
        let (id, sender, created) = (MessageId::new(1), UserId::new(2), Timestamp::from_micros(0));
        let shown = [
            format!("{:?}", Credentials { username: "ann".into(), password: secret() }),
            format!("{:?}", SignIn { username: "ann".into(), password: secret(), name: None }),
            format!("{:?}", PasswordChange { current: secret(), new: secret() }),
            format!("{:?}", IssuedToken { token: Token::new(secret()) }),
            format!("{:?}", Message { id, sender, thread, text: text.clone(), created, is_read: true }),
            format!("{:?}", SendMessage { thread, text, is_read: None }),
            format!("{:?}", EditMessage { text: Some(secret()), ..EditMessage::default() }),
        ];
        for text in shown {
            assert!(!text.contains("s3cret"), "{text}");
        }
    }
}
