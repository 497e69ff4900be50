//! Checked texts: messages, usernames and names of tokens.

use crate::api::{FieldErrors, error_text, limits};
use std::fmt;

/// Removes the white space around a text.
///
/// White space is that of Unicode and U+001C to U+001F, which Python removes as well. U+200B is not removed.
///
/// ```
/// assert_eq!(chat_core::text::trim("\u{1c} Hello!\u{200b}\n"), "Hello!\u{200b}");
/// ```
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

/// Returns the errors of a trimmed text.
///
/// A text must not be blank, have more than `max` code points or contain U+0000.
fn faults(text: &str, max: usize) -> Vec<String> {
    if text.is_empty() {
        return vec![error_text::BLANK.to_owned()];
    }
    let mut faults = Vec::new();
    if is_longer(text, max) {
        faults.push(error_text::too_long(max));
    }
    if text.contains('\0') {
        faults.push(error_text::NULL_CHARACTERS.to_owned());
    }
    faults
}

/// Returns whether a text has more than `max` code points.
fn is_longer(text: &str, max: usize) -> bool {
    // A text has no more code points than bytes.
    text.len() > max && text.chars().count() > max
}

/// Trims a text and checks it; `field` is the name of the text in the errors.
fn check(field: &str, text: &str, max: usize) -> Result<String, FieldErrors> {
    let text = trim(text);
    let mut errors = FieldErrors::new();
    for fault in faults(text, max) {
        errors.push(field, fault);
    }
    errors.into_result().map(|()| text.to_owned())
}

/// The checked text of a message: trimmed, not blank, not too long, no U+0000.
///
/// [`Chat::text`](crate::Chat::text) applies the length limit of its chat. `TryFrom` applies the default limit,
/// [`TEXT_MAX`](limits::TEXT_MAX). `Debug` does not show the text.
///
/// ```
/// use chat_core::text::MessageText;
///
/// assert_eq!(MessageText::try_from(" Hello! ")?.as_str(), "Hello!");
/// assert!(MessageText::try_from(" ").is_err());
/// # Ok::<(), chat_core::api::FieldErrors>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageText(String);

impl MessageText {
    /// The name of the text in errors.
    const FIELD: &str = "text";

    pub(crate) fn new(text: &str, max: usize) -> Result<Self, FieldErrors> {
        check(Self::FIELD, text, max).map(Self)
    }
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Checks the length against a limit that may differ from the constructor's.
    pub(crate) fn check_length(&self, max: usize) -> Result<(), FieldErrors> {
        if is_longer(&self.0, max) {
            return Err(FieldErrors::one(Self::FIELD, error_text::too_long(max)));
        }
        Ok(())
    }
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// A username that may be registered.
///
/// It is trimmed and has 1 to [`USERNAME_MAX`](limits::USERNAME_MAX) characters: ASCII letters, digits and `@.+-_`.
///
/// Another user may already have the name. [`Chat::check_username`](crate::Chat::check_username) checks this as well.
///
/// ```
/// use chat_core::text::Username;
///
/// assert_eq!(Username::try_from(" ann ")?.as_str(), "ann");
/// assert!(Username::try_from("ann smith").is_err());
/// # Ok::<(), chat_core::api::FieldErrors>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

impl Username {
    /// The name of a username in errors.
    pub(crate) const FIELD: &str = "username";

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<&str> for Username {
    type Error = FieldErrors;

    fn try_from(name: &str) -> Result<Self, FieldErrors> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "@.+-_".contains(c);
        let checked = check(Self::FIELD, name, limits::USERNAME_MAX);
        if trim(name).chars().all(allowed) {
            return checked.map(Self);
        }
        let mut errors = checked.err().unwrap_or_default();
        errors.push(Self::FIELD, error_text::BAD_USERNAME);
        Err(errors)
    }
}

/// A name for a token: trimmed, not blank, not too long, no U+0000.
///
/// It has at most [`TOKEN_NAME_MAX`](limits::TOKEN_NAME_MAX) code points.
///
/// ```
/// use chat_core::text::TokenName;
///
/// assert_eq!(TokenName::try_from(" phone ")?.as_str(), "phone");
/// assert!(TokenName::try_from(" ").is_err());
/// # Ok::<(), chat_core::api::FieldErrors>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenName(String);

impl TokenName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<&str> for TokenName {
    type Error = FieldErrors;

    fn try_from(name: &str) -> Result<Self, FieldErrors> {
        check("name", name, limits::TOKEN_NAME_MAX).map(Self)
    }
}

impl TryFrom<&str> for MessageText {
    type Error = FieldErrors;

    fn try_from(text: &str) -> Result<Self, FieldErrors> {
        Self::new(text, limits::TEXT_MAX)
    }
}

macro_rules! text {
    ($($name:ident)*) => {
        $(
            impl AsRef<str> for $name {
                fn as_ref(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.pad(&self.0)
                }
            }
        )*
    };
}

text!(MessageText Username TokenName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_trimmed_and_counted_by_code_points() {
        assert_eq!(MessageText::new("\u{1c}\u{a0} hi\u{200b}\n", 3).unwrap().as_str(), "hi\u{200b}");
        assert!(MessageText::new("äöü", 3).is_ok());
        let both = MessageText::new("a\0cd", 3).unwrap_err();
        assert_eq!(both.get("text"), [error_text::too_long(3), error_text::NULL_CHARACTERS.to_owned()]);
        assert_eq!(MessageText::new(" \u{1f}", 3).unwrap_err().get("text"), [error_text::BLANK]);
    }

    #[test]
    fn a_username_has_every_error_at_once() {
        let long = format!("{}!", "a".repeat(limits::USERNAME_MAX));
        let errors = Username::try_from(&*long).unwrap_err();
        let texts = [error_text::too_long(limits::USERNAME_MAX), error_text::BAD_USERNAME.to_owned()];
        assert_eq!(errors.get("username"), texts);
        assert_eq!(Username::try_from(" ").unwrap_err().get("username"), [error_text::BLANK]);
    }
}
