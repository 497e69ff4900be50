//! Integers and booleans as Django REST Framework reads them.

use chat_core::{api::limits, text};

/// A whole number of any size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Integer {
    /// A number that fits.
    Fits(i64),
    /// A number that does not fit, with its digits.
    Huge { negative: bool, digits: String },
}

impl Integer {
    /// Returns the number, or the nearest that fits.
    pub(crate) const fn saturating(&self) -> i64 {
        match self {
            Self::Fits(number) => *number,
            Self::Huge { negative: true, .. } => i64::MIN,
            Self::Huge { negative: false, .. } => i64::MAX,
        }
    }
    pub(crate) const fn is_positive(&self) -> bool {
        self.saturating() > 0
    }
}

impl std::fmt::Display for Integer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fits(number) => number.fmt(f),
            Self::Huge { negative, digits } => write!(f, "{}{digits}", if *negative { "-" } else { "" }),
        }
    }
}

/// Maximum number of digits that Python's `int()` reads.
const DIGITS_MAX: usize = 4300;

/// Reads an integer as Python's `int()` does.
///
/// The text may have whitespace around it, and a sign before the digits.
///
/// There are three differences from Python: U+001C to U+001F do not count as whitespace, the digits must be ASCII, and
/// there must be no underscore between them.
pub(crate) fn integer(text: &str) -> Option<Integer> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    Some(match (digits, digits.parse::<i64>()) {
        ("", _) => Integer::Fits(0),
        (_, Ok(number)) => Integer::Fits(if negative { -number } else { number }),
        (_, Err(_)) => Integer::Huge { negative, digits: digits.to_owned() },
    })
}

/// Reads an integer field sent as text, which may have a fraction of zeros.
///
/// # Errors
/// DRF's error text if the text is too long or not an integer.
pub(crate) fn integer_text(text: &str) -> Result<Integer, &'static str> {
    use chat_core::api::error_text;
    if text.len() > limits::INTEGER_TEXT_MAX && text.chars().count() > limits::INTEGER_TEXT_MAX {
        return Err(error_text::INTEGER_TOO_LONG);
    }
    let without_blanks = text.trim_end_matches(|c: char| text::trim(c.encode_utf8(&mut [0; 4])).is_empty());
    let whole = without_blanks.trim_end_matches('0').strip_suffix('.').unwrap_or(text);
    integer(whole).ok_or(error_text::NOT_AN_INTEGER)
}

/// Reads an integer field sent as a JSON number.
///
/// The number is an integer, or a float without fraction up to 2⁵³.
///
/// Larger floats do not represent every integer.
pub(crate) fn integer_number(number: &str) -> Option<Integer> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    if !number.contains(['.', 'e', 'E']) {
        return integer(number);
    }
    let float = number.parse::<f64>().ok().filter(|float| float.fract() == 0.0 && float.abs() <= EXACT)?;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2⁵³")]
    Some(Integer::Fits(float as i64))
}

/// Reads a boolean sent as text, in any letter case and not trimmed.
pub(crate) fn boolean_text(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "t" | "y" | "yes" | "true" | "on" | "1" => Some(true),
        "f" | "n" | "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_as_text() {
        for (text, number) in [
            (" 2 ", 2),
            ("\u{a0}2\u{3000}", 2),
            ("+2", 2),
            ("2.", 2),
            ("2.000 ", 2),
            ("-0", 0),
            ("0007", 7),
            ("-20", -20),
        ] {
            assert_eq!(integer_text(text), Ok(Integer::Fits(number)), "{text:?}");
        }
        for bad in ["", "a", "1_0", "２", "\u{1c}2", "2e0", "2.5", "+ 2", "--2", ".", "0x2", "2.0.0"] {
            assert!(integer_text(bad).is_err(), "{bad:?}");
        }
        assert!(integer_text(&"9".repeat(1001)).unwrap_err().contains("too large"));
        let huge = integer_text("-99999999999999999999").unwrap();
        assert_eq!((huge.saturating(), huge.to_string()), (i64::MIN, "-99999999999999999999".to_owned()));
    }

    #[test]
    fn integers_as_numbers() {
        for (number, read) in
            [("2", 2), ("2.0", 2), ("2e0", 2), ("9007199254740992.0", 1 << 53), ("-1.0", -1)]
        {
            assert_eq!(integer_number(number), Some(Integer::Fits(read)), "{number}");
        }
        for bad in ["2.5", "1e16", "1e999"] {
            assert_eq!(integer_number(bad), None, "{bad}");
        }
    }
}
