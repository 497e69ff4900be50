//! The values in a body, read as the types of the fields.
//!
//! For a value of another type, the error has the text of Django REST Framework.

use super::{
    Field, Spelled,
    number::{self, Integer},
};
use chat_core::{
    api::{ThreadId, error_text},
    text,
};
use std::borrow::Cow;

/// A value as it was sent.
///
/// A number, an array or an object keeps its spelling, which a parsed JSON value does not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(&'a str),
    Object(&'a str),
}

/// A named value that may be absent.
#[derive(Debug)]
pub(crate) struct NamedValue<'a> {
    pub(super) name: &'static str,
    pub(super) value: Option<Value<'a>>,
    /// Whether it is from a form, where every value is a text.
    pub(super) is_form: bool,
}

impl<'a> NamedValue<'a> {
    /// Reads a text, neither trimmed nor checked.
    ///
    /// A number becomes its spelling.
    pub(super) fn text(self) -> Field<Cow<'a, str>> {
        self.required(|_, value| text_of(value))
    }

    /// Reads a text that may be absent.
    pub(super) fn text_or_absent(self) -> Field<Option<Cow<'a, str>>> {
        self.optional(|_, value| text_of(value))
    }

    /// Reads a text; `None` if it is absent, null or blank.
    pub(super) fn optional_text(self) -> Field<Option<Cow<'a, str>>> {
        match self.value {
            Some(Value::Null) => Field::new(self.name, None),
            _ => self.text_or_absent().and_then(|text| Ok(text.filter(|text| !text::trim(text).is_empty()))),
        }
    }

    /// Reads a username: not blank after trimming, without U+0000.
    ///
    /// The value is not trimmed.
    pub(super) fn username(self) -> Field<Cow<'a, str>> {
        self.required(|_, value| text_of(value).and_then(|text| credential(text, text::trim)))
    }

    /// Reads a password: not empty, without U+0000. A password is never trimmed.
    pub(super) fn password(self) -> Field<Cow<'a, str>> {
        self.required(|_, value| text_of(value).and_then(|text| credential(text, |text| text)))
    }

    /// Reads an integer of any size.
    pub(super) fn integer(self) -> Field<Integer> {
        self.required(|_, value| integer_of(value))
    }

    /// Reads an integer of any size that may be absent.
    pub(super) fn optional_integer(self) -> Field<Option<Integer>> {
        self.optional(|_, value| integer_of(value))
    }

    /// Reads a boolean that may be absent, or blank in a form.
    pub(super) fn optional_boolean(self) -> Field<Option<bool>> {
        match self.value {
            Some(Value::Text(text)) if self.is_form && text.is_empty() => Field::new(self.name, None),
            _ => self.optional(|_, value| boolean_of(value)),
        }
    }

    /// Reads the id of a thread.
    pub(super) fn thread_id(self) -> Field<Spelled<'a, ThreadId>> {
        self.required(thread_id_of)
    }

    /// Reads the id of a thread that may be absent.
    pub(super) fn optional_thread_id(self) -> Field<Option<Spelled<'a, ThreadId>>> {
        self.optional(thread_id_of)
    }

    fn required<T, M: Into<String>>(
        self,
        read: impl FnOnce(&'static str, Value<'a>) -> Result<T, M>,
    ) -> Field<T> {
        match self.value.map(|value| read(self.name, value)) {
            Some(Ok(value)) => Field::new(self.name, value),
            Some(Err(message)) => Field::invalid(self.name, message),
            None => Field::invalid(self.name, error_text::REQUIRED),
        }
    }

    fn optional<T, M: Into<String>>(
        self,
        read: impl FnOnce(&'static str, Value<'a>) -> Result<T, M>,
    ) -> Field<Option<T>> {
        match self.value.map(|value| read(self.name, value)).transpose() {
            Ok(value) => Field::new(self.name, value),
            Err(message) => Field::invalid(self.name, message),
        }
    }
}

fn text_of(value: Value<'_>) -> Result<Cow<'_, str>, &'static str> {
    match value {
        Value::Null => Err(error_text::NULL),
        Value::Text(text) => Ok(text),
        Value::Number(number) => Ok(number.into()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(error_text::NOT_A_STRING),
    }
}

/// Checks a username or a password.
///
/// `trim` returns the part that must not be empty.
fn credential<'a>(text: Cow<'a, str>, trim: fn(&str) -> &str) -> Result<Cow<'a, str>, &'static str> {
    match trim(&text) {
        "" => Err(error_text::BLANK),
        trimmed if trimmed.contains('\0') => Err(error_text::NULL_CHARACTERS),
        _ => Ok(text),
    }
}

fn integer_of(value: Value<'_>) -> Result<Integer, &'static str> {
    match value {
        Value::Null => Err(error_text::NULL),
        Value::Text(text) => number::integer_text(&text),
        Value::Number(number) => number::integer_number(number).ok_or(error_text::NOT_AN_INTEGER),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(error_text::NOT_AN_INTEGER),
    }
}

fn boolean_of(value: Value<'_>) -> Result<bool, &'static str> {
    let boolean = match value {
        Value::Null => return Err(error_text::NULL),
        Value::Bool(boolean) => Some(boolean),
        Value::Number(number) => match number.parse::<f64>() {
            Ok(1.0) => Some(true),
            Ok(0.0) => Some(false),
            _ => None,
        },
        Value::Text(text) => number::boolean_text(&text),
        Value::Array(_) | Value::Object(_) => None,
    };
    boolean.ok_or(error_text::NOT_A_BOOLEAN)
}

fn thread_id_of<'a>(
    field: &'static str,
    value: Value<'a>,
) -> Result<Spelled<'a, ThreadId>, Cow<'static, str>> {
    match value {
        Value::Null => Err(error_text::NULL.into()),
        Value::Bool(_) => Err(error_text::BOOLEAN_ID.into()),
        Value::Text(text) if text.is_empty() => Err(error_text::NULL.into()),
        Value::Text(text) => match text.parse() {
            Ok(value) => Ok(Spelled { value, field, spelling: text }),
            Err(_) => Err(error_text::not_a_uuid(text).into()),
        },
        Value::Number(raw) | Value::Array(raw) | Value::Object(raw) => {
            Err(error_text::not_a_uuid(raw).into())
        }
    }
}
