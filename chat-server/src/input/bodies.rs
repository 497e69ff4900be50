//! The fields of each request body of the endpoint table, as the server reads them.

use super::{Field, ReadBodyError, ReceivedBody, Spelled, number::Integer};
use chat_core::api::{
    Credentials, EditMessage, MarkRead, OpenThread, PasswordChange, SendMessage, SignIn, ThreadId,
    endpoints::RequestBody,
};
use std::borrow::Cow;

/// A request body that is read field by field.
pub(crate) trait ReadBody: RequestBody {
    /// The fields.
    ///
    /// Each is a value, `None` if it is optional and absent, or the errors of the field.
    type Fields<'a>;

    /// Reads the fields of a body.
    ///
    /// # Errors
    /// The syntax is wrong, or the body is JSON but not an object. Errors of single fields are in the fields.
    fn read(body: &ReceivedBody) -> Result<Self::Fields<'_>, ReadBodyError>;
}

/// The fields of [`Credentials`].
pub(crate) struct CredentialsFields<'a> {
    /// The username, not trimmed.
    pub(crate) username: Field<Cow<'a, str>>,
    pub(crate) password: Field<Cow<'a, str>>,
}

impl ReadBody for Credentials {
    type Fields<'a> = CredentialsFields<'a>;

    fn read(body: &ReceivedBody) -> Result<CredentialsFields<'_>, ReadBodyError> {
        let [username, password] = body.values(Self::FIELDS)?;
        Ok(CredentialsFields { username: username.text(), password: password.password() })
    }
}

/// The fields of [`SignIn`].
pub(crate) struct SignInFields<'a> {
    /// The username, not trimmed.
    pub(crate) username: Field<Cow<'a, str>>,
    pub(crate) password: Field<Cow<'a, str>>,
    pub(crate) name: Field<Option<Cow<'a, str>>>,
}

impl ReadBody for SignIn {
    type Fields<'a> = SignInFields<'a>;

    fn read(body: &ReceivedBody) -> Result<SignInFields<'_>, ReadBodyError> {
        let [username, password, name] = body.values(Self::FIELDS)?;
        Ok(SignInFields {
            username: username.username(),
            password: password.password(),
            name: name.optional_text(),
        })
    }
}

/// The fields of [`PasswordChange`].
pub(crate) struct PasswordChangeFields<'a> {
    pub(crate) current: Field<Cow<'a, str>>,
    pub(crate) new: Field<Cow<'a, str>>,
}

impl ReadBody for PasswordChange {
    type Fields<'a> = PasswordChangeFields<'a>;

    fn read(body: &ReceivedBody) -> Result<PasswordChangeFields<'_>, ReadBodyError> {
        let [current, new] = body.values(Self::FIELDS)?;
        Ok(PasswordChangeFields { current: current.password(), new: new.password() })
    }
}

/// The fields of [`OpenThread`].
pub(crate) struct OpenThreadFields {
    /// The number of the user. It may be larger than any id.
    pub(crate) participant: Field<Integer>,
}

impl ReadBody for OpenThread {
    type Fields<'a> = OpenThreadFields;

    fn read(body: &ReceivedBody) -> Result<OpenThreadFields, ReadBodyError> {
        let [participant] = body.values(Self::FIELDS)?;
        Ok(OpenThreadFields { participant: participant.integer() })
    }
}

/// The fields of [`MarkRead`].
pub(crate) struct MarkReadFields {
    /// The number of the message. It may be larger than any id.
    pub(crate) up_to: Field<Option<Integer>>,
}

impl ReadBody for MarkRead {
    type Fields<'a> = MarkReadFields;

    fn read(body: &ReceivedBody) -> Result<MarkReadFields, ReadBodyError> {
        let [up_to] = body.values(Self::FIELDS)?;
        Ok(MarkReadFields { up_to: up_to.optional_integer() })
    }
}

/// The fields of [`SendMessage`].
pub(crate) struct SendMessageFields<'a> {
    pub(crate) thread: Field<Spelled<'a, ThreadId>>,
    /// The text. It is not trimmed, and its length is not checked.
    pub(crate) text: Field<Cow<'a, str>>,
    pub(crate) is_read: Field<Option<bool>>,
}

impl ReadBody for SendMessage {
    type Fields<'a> = SendMessageFields<'a>;

    fn read(body: &ReceivedBody) -> Result<SendMessageFields<'_>, ReadBodyError> {
        let [thread, text, is_read] = body.values(Self::FIELDS)?;
        Ok(SendMessageFields {
            thread: thread.thread_id(),
            text: text.text(),
            is_read: is_read.optional_boolean(),
        })
    }
}

/// The fields of [`EditMessage`].
pub(crate) struct EditMessageFields<'a> {
    pub(crate) thread: Field<Option<Spelled<'a, ThreadId>>>,
    /// The text. It is not trimmed, and its length is not checked.
    pub(crate) text: Field<Option<Cow<'a, str>>>,
    pub(crate) is_read: Field<Option<bool>>,
}

impl ReadBody for EditMessage {
    type Fields<'a> = EditMessageFields<'a>;

    fn read(body: &ReceivedBody) -> Result<EditMessageFields<'_>, ReadBodyError> {
        let [thread, text, is_read] = body.values(Self::FIELDS)?;
        Ok(EditMessageFields {
            thread: thread.optional_thread_id(),
            text: text.text_or_absent(),
            is_read: is_read.optional_boolean(),
        })
    }
}
