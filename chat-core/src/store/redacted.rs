//! Implements `Debug` for types whose content must not appear in logs.

use super::{IdempotencyKey, ImportedMessage, MessageChange, NewMessage, PasswordHash, TokenHash};
use crate::{api::redacted::Redacted, text::MessageText};
use std::fmt::{self, Debug, Formatter};

impl Debug for PasswordHash {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PasswordHash").field(&Redacted).finish()
    }
}

impl Debug for TokenHash {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenHash").field(&Redacted).finish()
    }
}

impl Debug for MessageText {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MessageText").field(&Redacted).finish()
    }
}

/// Hides the digest too, because a short text can be guessed from it.
impl Debug for IdempotencyKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyKey").finish_non_exhaustive()
    }
}

impl Debug for NewMessage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMessage")
            .field("thread", &self.thread)
            .field("sender", &self.sender)
            .field("text", &Redacted)
            .field("is_read", &self.is_read)
            .field("created", &self.created)
            .field("key", &self.key)
            .finish()
    }
}

impl Debug for MessageChange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("MessageChange");
        shown.field("text", &self.text.as_ref().map(|_| Redacted)).field("is_read", &self.is_read).finish()
    }
}

impl Debug for ImportedMessage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportedMessage")
            .field("id", &self.id)
            .field("sender", &self.sender)
            .field("thread", &self.thread)
            .field("text", &Redacted)
            .field("created", &self.created)
            .field("is_read", &self.is_read)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Draft,
        api::{MessageId, ThreadId, Timestamp, UserId},
    };

    #[test]
    fn debug_shows_no_secret() {
        let secret = || "s3cret".to_owned();
        let thread = ThreadId::new(uuid::Uuid::nil());
        let (id, sender, created) = (MessageId::new(1), UserId::new(2), Timestamp::from_micros(0));
        let key = Some(IdempotencyKey { key: secret(), request: [77; 32] });
        let text = MessageText::new("s3cret", 250).unwrap();
        let shown = [
            format!("{:?}", PasswordHash::new(secret())),
            format!("{:?}", TokenHash([77; 32])),
            format!("{:?}", NewMessage { thread, sender, text: secret(), is_read: true, created, key }),
            format!("{:?}", MessageChange { text: Some(secret()), is_read: None }),
            format!("{:?}", ImportedMessage { id, sender, thread, text: secret(), created, is_read: true }),
            format!("{:?}", Draft { thread, text, is_read: true, idempotency_key: Some(secret()) }),
        ];
        for text in shown {
            assert!(!text.contains("s3cret") && !text.contains("77"), "{text}");
        }
    }
}
