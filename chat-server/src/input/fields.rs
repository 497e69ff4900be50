//! Named values read as what they are to be, with DRF's words for what they are not.

use super::number::{self, Integer};
use chat_core::{
    api::{FieldErrors, ThreadId, error_text},
    text,
};
use std::borrow::Cow;

/// A value as it was sent; what JSON would lose, its spelling, is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(&'a str),
    Object(&'a str),
}

/// The fields of a request.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    is_form: bool,
    values: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Fields<'a> {
    pub(crate) const fn json() -> Self {
        Self { is_form: false, values: Vec::new() }
    }
    pub(crate) const fn form() -> Self {
        Self { is_form: true, values: Vec::new() }
    }

    pub(crate) fn insert(&mut self, name: Cow<'a, str>, value: Value<'a>) {
        self.values.push((name, value));
    }

    /// The last value of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.values.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// A field that has to be there.
    fn required(&self, name: &str) -> Result<&Value<'a>, &'static str> {
        self.get(name).ok_or(error_text::REQUIRED)
    }

    /// A text field as it was sent, a number in its spelling.
    fn raw_text(&self, name: &str) -> Result<&str, &'static str> {
        match self.required(name)? {
            Value::Null => Err(error_text::NULL),
            Value::Text(text) => Ok(text),
            Value::Number(number) => Ok(number),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(error_text::NOT_A_STRING),
        }
    }

    /// A text field, neither trimmed nor checked any further.
    pub(crate) fn text(&self, name: &str, errors: &mut FieldErrors) -> Option<&str> {
        report(name, self.raw_text(name), errors)
    }

    /// A text field that has to have something in it but no U+0000: a name or a password.
    pub(crate) fn credential(&self, name: &str, trimmed: bool, errors: &mut FieldErrors) -> Option<&str> {
        let value = self.raw_text(name).and_then(|value| {
            let value = if trimmed { text::trim(value) } else { value };
            match value {
                "" => Err(error_text::BLANK),
                value if value.contains('\0') => Err(error_text::NULL_CHARACTERS),
                value => Ok(value),
            }
        });
        report(name, value, errors)
    }

    /// A text field that may be left out: `None` also when it is null or blank.
    pub(crate) fn optional_text(&self, name: &str, errors: &mut FieldErrors) -> Option<&str> {
        match self.get(name)? {
            Value::Null => None,
            _ => self.text(name, errors).filter(|text| !text::trim(text).is_empty()),
        }
    }

    /// An integer field that has to be there.
    pub(crate) fn integer(&self, name: &str, errors: &mut FieldErrors) -> Option<Integer> {
        let integer = self.required(name).and_then(|value| match value {
            Value::Null => Err(error_text::NULL),
            Value::Text(text) => number::integer_text(text),
            Value::Number(number) => number::integer_number(number).ok_or(error_text::NOT_AN_INTEGER),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(error_text::NOT_AN_INTEGER),
        });
        report(name, integer, errors)
    }

    /// A boolean field; `None` also when it is absent, or blank in a form.
    pub(crate) fn boolean(&self, name: &str, errors: &mut FieldErrors) -> Option<bool> {
        let boolean = match self.get(name)? {
            Value::Text(text) if self.is_form && text.is_empty() => return None,
            Value::Null => Err(error_text::NULL),
            Value::Bool(boolean) => Ok(*boolean),
            Value::Number(number) => match number.parse::<f64>() {
                Ok(1.0) => Ok(true),
                Ok(0.0) => Ok(false),
                _ => Err(error_text::NOT_A_BOOLEAN),
            },
            Value::Text(text) => number::boolean_text(text).ok_or(error_text::NOT_A_BOOLEAN),
            Value::Array(_) | Value::Object(_) => Err(error_text::NOT_A_BOOLEAN),
        };
        report(name, boolean, errors)
    }

    /// The id of a thread, with its spelling.
    pub(crate) fn thread_id(&self, name: &str, errors: &mut FieldErrors) -> Option<(ThreadId, &str)> {
        let id = match self.required(name) {
            Err(message) => Err(message.to_owned()),
            Ok(Value::Null) => Err(error_text::NULL.to_owned()),
            Ok(Value::Bool(_)) => Err(error_text::BOOLEAN_ID.to_owned()),
            Ok(Value::Text(text)) if text.is_empty() => Err(error_text::NULL.to_owned()),
            Ok(Value::Text(text)) => match text.parse() {
                Ok(id) => Ok((id, text.as_ref())),
                Err(_) => Err(error_text::not_a_uuid(text)),
            },
            Ok(Value::Number(raw) | Value::Array(raw) | Value::Object(raw)) => {
                Err(error_text::not_a_uuid(raw))
            }
        };
        report(name, id, errors)
    }
}

fn report<T>(name: &str, value: Result<T, impl Into<String>>, errors: &mut FieldErrors) -> Option<T> {
    value.map_err(|message| errors.push(name, message)).ok()
}
