//! What a text has to be like before it is stored.

use crate::api::{FieldErrors, error_text};

/// Without the white space around it: Unicode's, and U+001C to U+001F, which Python strips too. U+200B stays.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

/// What is wrong with a trimmed text: blank, over `max` code points, or with U+0000 in it.
fn faults(text: &str, max: usize) -> Vec<String> {
    if text.is_empty() {
        return vec![error_text::BLANK.to_owned()];
    }
    let mut faults = Vec::new();
    // A text has no more code points than bytes.
    if text.len() > max && text.chars().count() > max {
        faults.push(error_text::too_long(max));
    }
    if text.contains('\0') {
        faults.push(error_text::NULL_CHARACTERS.to_owned());
    }
    faults
}

/// Trims a text and checks it; `field` is what the errors call it.
pub(crate) fn check(field: &str, text: &str, max: usize) -> Result<String, FieldErrors> {
    let text = trim(text);
    let mut errors = FieldErrors::new();
    for fault in faults(text, max) {
        errors.push(field, fault);
    }
    errors.into_result().map(|()| text.to_owned())
}

/// The text of a message that has been checked: trimmed, not blank, not too long, without U+0000. Made by
/// [`Chat::text`](crate::Chat::text).
#[derive(Clone, PartialEq, Eq)]
pub struct MessageText(String);

impl MessageText {
    pub(crate) fn new(text: &str, max: usize) -> Result<Self, FieldErrors> {
        check("text", text, max).map(Self)
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimmed_and_counted_by_code_points() {
        assert_eq!(MessageText::new("\u{1c}\u{a0} hi\u{200b}\n", 3).unwrap().as_str(), "hi\u{200b}");
        assert!(MessageText::new("äöü", 3).is_ok());
        let both = MessageText::new("a\0cd", 3).unwrap_err();
        assert_eq!(both.get("text"), [error_text::too_long(3), error_text::NULL_CHARACTERS.to_owned()]);
        assert_eq!(MessageText::new(" \u{1f}", 3).unwrap_err().get("text"), [error_text::BLANK]);
    }
}
