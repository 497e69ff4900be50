//! The JSON of error responses.

use serde::{Deserialize, Serialize, Serializer, de, ser::SerializeMap};
use std::fmt;

/// The field name of errors that do not belong to a single field.
pub const NON_FIELD_ERRORS: &str = "non_field_errors";

/// An error response with one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Detail {
    /// The reason, as text for a person to read.
    pub detail: String,
}

/// The errors of each field of a request, in the order of the contract.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldErrors(Vec<(String, Vec<String>)>);

impl FieldErrors {
    /// Returns an empty list of errors.
    pub const fn new() -> Self {
        Self(Vec::new())
    }
    /// Returns errors with one message for one field.
    pub fn one(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self(vec![(field.into(), vec![message.into()])])
    }
    /// Adds a message to a field.
    pub fn push(&mut self, field: &str, message: impl Into<String>) {
        match self.0.iter_mut().find(|(name, _)| name == field) {
            Some((_, messages)) => messages.push(message.into()),
            None => self.0.push((field.to_owned(), vec![message.into()])),
        }
    }
    /// Appends the messages of `other`.
    pub fn extend(&mut self, other: Self) {
        for (field, messages) in other.0 {
            for message in messages {
                self.push(&field, message);
            }
        }
    }
    /// Returns whether there is no error.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Returns the messages of a field, or an empty slice.
    pub fn get(&self, field: &str) -> &[String] {
        self.0.iter().find(|(name, _)| name == field).map_or(&[], |(_, messages)| messages)
    }
    /// Iterates over the fields with their messages.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(field, messages)| (field.as_str(), messages.as_slice()))
    }
    /// Returns the values of two checks.
    ///
    /// # Errors
    /// The errors of both, in order.
    ///
    /// ```
    /// use chat_core::api::FieldErrors;
    ///
    /// let (name, text) = (Err::<u8, _>(FieldErrors::one("name", "A")), Err::<u8, _>(FieldErrors::one("text", "B")));
    /// let errors = FieldErrors::both(name, text).unwrap_err();
    /// assert_eq!(errors.to_string(), "name: A text: B");
    /// ```
    pub fn both<A, B>(a: Result<A, Self>, b: Result<B, Self>) -> Result<(A, B), Self> {
        match (a, b) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            (a, b) => {
                let mut errors = a.err().unwrap_or_default();
                errors.extend(b.err().unwrap_or_default());
                Err(errors)
            }
        }
    }
    /// Returns `Ok` if there is no error.
    ///
    /// # Errors
    /// These errors, if there are any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (field, messages)) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { " " };
            match field.as_str() {
                NON_FIELD_ERRORS => write!(f, "{separator}{}", messages.join(" "))?,
                field => write!(f, "{separator}{field}: {}", messages.join(" "))?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for FieldErrors {}

impl Serialize for FieldErrors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (field, messages) in &self.0 {
            map.serialize_entry(field, messages)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for FieldErrors {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> de::Visitor<'de> for Fields {
            type Value = FieldErrors;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of lists of messages")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<FieldErrors, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(FieldErrors(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for FieldErrors {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FieldErrors".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "additionalProperties": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        })
    }
}

/// The texts of error responses with one reason, as far as a client tests for them.
pub mod detail_text {
    /// A 404 of the server: the path has no route, or an id in the path cannot be read.
    ///
    /// It is also the 404 of an endpoint for the token or the password of a caller who has no token. For an object that
    /// does not exist it is another text, such as "No Thread matches the given query."
    pub const NO_SUCH_PATH: &str = "Not found.";

    /// Returns whether the text of a 404 says that the path has no route.
    ///
    /// The text is [`NO_SUCH_PATH`], or that of a server with FastAPI or Starlette, which responds with the same JSON.
    pub fn is_no_such_path(detail: &str) -> bool {
        matches!(detail, NO_SUCH_PATH | "Not Found")
    }
}

/// The texts of field errors.
///
/// They are the texts of Django REST Framework 3.16, word for word, and further texts in its style.
pub mod error_text {
    use std::fmt::Display;

    /// The field is absent.
    pub const REQUIRED: &str = "This field is required.";
    /// The field is `null`.
    pub const NULL: &str = "This field may not be null.";
    /// The text is empty after trimming.
    pub const BLANK: &str = "This field may not be blank.";
    /// A boolean, array or object in place of a text.
    pub const NOT_A_STRING: &str = "Not a valid string.";
    /// U+0000 in a text.
    pub const NULL_CHARACTERS: &str = "Null characters are not allowed.";
    /// Not an integer.
    pub const NOT_AN_INTEGER: &str = "A valid integer is required.";
    /// The text of an integer is too long.
    ///
    /// The limit is [`INTEGER_TEXT_MAX`](crate::api::limits::INTEGER_TEXT_MAX) characters.
    pub const INTEGER_TOO_LONG: &str = "String value too large.";
    /// Not a boolean.
    pub const NOT_A_BOOLEAN: &str = "Must be a valid boolean.";
    /// A boolean in place of the id of a thread.
    pub const BOOLEAN_ID: &str = "Incorrect type. Expected pk value, received bool.";
    /// `null` in place of an object.
    pub const NO_DATA: &str = "No data provided";
    /// Unknown username, wrong password or disabled user: the same text for each.
    pub const BAD_CREDENTIALS: &str = "Unable to log in with provided credentials.";
    /// An id below 1.
    pub const NOT_POSITIVE: &str = "Ensure this value is greater than or equal to 1.";
    /// The error of an id above [`ID_MAX`](crate::api::limits::ID_MAX).
    pub const ID_TOO_LARGE: &str = "Ensure this value is less than or equal to 4611686018427387904.";
    /// A username with a character that is not allowed.
    pub const BAD_USERNAME: &str =
        "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.";
    /// A username that a user already has, in any letter case.
    pub const USERNAME_TAKEN: &str = "A user with that username already exists.";
    /// A password shorter than [`PASSWORD_MIN`](crate::api::limits::PASSWORD_MIN).
    pub const PASSWORD_TOO_SHORT: &str = "This password is too short. It must contain at least 8 characters.";
    /// A password longer than [`PASSWORD_MAX`](crate::api::limits::PASSWORD_MAX).
    pub const PASSWORD_TOO_LONG: &str = "This password is too long. It must contain at most 1024 characters.";
    /// The current password in the request is wrong.
    pub const WRONG_PASSWORD: &str = "Invalid password.";
    /// A thread of a user with themselves.
    pub const THREAD_WITH_SELF: &str = "You cannot start a thread with yourself.";
    /// A change of the thread of a message.
    pub const CANNOT_BE_MOVED: &str = "A message cannot be moved to another thread.";
    /// A cursor that cannot be read, does not exist or belongs to another user.
    pub const INVALID_CURSOR: &str = "Invalid cursor.";

    /// The text before the value in [`no_such_pk`].
    const NO_SUCH_PK_START: &str = "Invalid pk \"";
    /// The text after the value in [`no_such_pk`].
    const NO_SUCH_PK_END: &str = "\" - object does not exist.";

    /// Returns the error of a text of more than `max` code points.
    pub fn too_long(max: usize) -> String {
        format!("Ensure this field has no more than {max} characters.")
    }
    /// Returns the error of a value that is not a UUID.
    pub fn not_a_uuid(value: impl Display) -> String {
        format!("“{value}” is not a valid UUID.")
    }
    /// Returns the error for the id of an unknown object.
    ///
    /// The object does not exist, or it is not visible to the caller.
    pub fn no_such_pk(value: impl Display) -> String {
        format!("{NO_SUCH_PK_START}{value}{NO_SUCH_PK_END}")
    }
    /// Returns whether a text is that of [`no_such_pk`], with any value.
    pub fn is_no_such_pk(text: &str) -> bool {
        text.starts_with(NO_SUCH_PK_START) && text.ends_with(NO_SUCH_PK_END)
    }
    /// Returns the error of a JSON value that is not an object.
    ///
    /// `kind` is Python's name of the type of the value.
    pub fn not_a_dictionary(kind: &str) -> String {
        format!("Invalid data. Expected a dictionary, but got {kind}.")
    }
}

#[cfg(test)]
mod tests {
    use super::{detail_text::is_no_such_path, error_text::*};

    #[test]
    fn the_error_of_an_unknown_id_is_recognised_with_any_value() {
        for value in ["9999", "", "3cff18f1-d049-43f3-9c69-fcc8948f66f6", "\" - object"] {
            assert!(is_no_such_pk(&no_such_pk(value)), "{value}");
        }
        for other in [BLANK, NOT_AN_INTEGER, "object does not exist.", "Invalid pk \"1\""] {
            assert!(!is_no_such_pk(other), "{other}");
        }
    }

    #[test]
    fn a_missing_object_is_not_a_missing_path() {
        assert!(is_no_such_path("Not found.") && is_no_such_path("Not Found"));
        assert!(!is_no_such_path("No Thread matches the given query."));
    }
}
