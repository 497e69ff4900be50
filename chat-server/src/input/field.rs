//! A typed field of a request, or the errors of that field.

use chat_core::api::{FieldErrors, error_text};
use std::borrow::Cow;

/// The result of one field: its value or its errors.
#[derive(Debug)]
#[must_use = "a field may hold an error"]
pub(crate) struct Field<T> {
    name: &'static str,
    value: Result<T, FieldErrors>,
}

impl<T> Field<T> {
    pub(crate) const fn new(name: &'static str, value: T) -> Self {
        Self { name, value: Ok(value) }
    }

    /// Creates a field with one error.
    pub(crate) fn invalid(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, value: Err(FieldErrors::one(name, message)) }
    }

    /// Returns the name of the field in a request and in its errors.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) const fn is_valid(&self) -> bool {
        self.value.is_ok()
    }

    /// Returns the value; `None` if the field has errors.
    pub(crate) fn value(&self) -> Option<&T> {
        self.value.as_ref().ok()
    }

    /// Replaces the value with errors.
    pub(crate) fn refuse(self, errors: FieldErrors) -> Self {
        Self { value: Err(errors), ..self }
    }

    /// Applies a rule to the value. A field with errors stays as it is.
    pub(crate) fn and_then<U>(self, rule: impl FnOnce(T) -> Result<U, FieldErrors>) -> Field<U> {
        Field { name: self.name, value: self.value.and_then(rule) }
    }

    /// Returns the value.
    ///
    /// # Errors
    /// The errors of the field.
    pub(crate) fn into_result(self) -> Result<T, FieldErrors> {
        self.value
    }
}

impl<T> Field<Option<T>> {
    /// Returns whether the request has the field, with a value or with an error.
    pub(crate) const fn is_present(&self) -> bool {
        !matches!(self.value, Ok(None))
    }

    /// Applies a rule to the value.
    ///
    /// A field that is absent or has errors stays as it is.
    pub(crate) fn and_then_some<U>(self, rule: impl FnOnce(T) -> Result<U, FieldErrors>) -> Field<Option<U>> {
        self.and_then(|value| value.map(rule).transpose())
    }
}

/// Returns the values of three fields.
///
/// # Errors
/// The errors of all three, in order.
pub(crate) fn join3<A, B, C>(a: Field<A>, b: Field<B>, c: Field<C>) -> Result<(A, B, C), FieldErrors> {
    let ((a, b), c) = FieldErrors::both(FieldErrors::both(a.value, b.value), c.value)?;
    Ok((a, b, c))
}

/// A value with its spelling in the request. Errors repeat the spelling.
#[derive(Debug)]
pub(crate) struct Spelled<'a, T> {
    pub(crate) value: T,
    pub(super) field: &'static str,
    pub(super) spelling: Cow<'a, str>,
}

impl<T> Spelled<'_, T> {
    /// Returns the error that no object with this id exists.
    ///
    /// It is the same for an object that the caller must not know of.
    pub(crate) fn no_such_object(&self) -> FieldErrors {
        self.error(error_text::no_such_pk(&self.spelling))
    }

    /// Returns an error of this field.
    pub(crate) fn error(&self, message: impl Into<String>) -> FieldErrors {
        FieldErrors::one(self.field, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_joined_in_the_order_of_the_fields() {
        let errors =
            join3(Field::new("a", 1), Field::<u8>::invalid("b", "B"), Field::<u8>::invalid("c", "C"));
        let errors = errors.unwrap_err();
        assert_eq!(errors.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "c"]);

        let found_later = Field::new("a", 1).refuse(FieldErrors::one("a", "A"));
        let errors = join3(found_later, Field::new("b", 2), Field::<u8>::invalid("c", "C")).unwrap_err();
        assert_eq!(errors.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "c"]);

        assert_eq!(join3(Field::new("a", 1), Field::new("b", "x"), Field::new("c", 2)), Ok((1, "x", 2)));
    }

    #[test]
    fn a_rule_does_not_change_an_absent_field_or_one_with_errors() {
        let refuse = |_: u8| Err::<u8, _>(FieldErrors::one("a", "refused"));
        assert_eq!(Field::new("a", None).and_then_some(refuse).into_result(), Ok(None));
        let first = Field::<Option<u8>>::invalid("a", "first").and_then_some(refuse);
        assert!(first.is_present());
        assert_eq!(first.into_result(), Err(FieldErrors::one("a", "first")));
        assert!(!Field::new("a", Some(1)).and_then_some(refuse).is_valid());
    }
}
