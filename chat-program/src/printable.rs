//! Text that a terminal shows as it is.

use std::fmt::{self, Write};

/// Displays a text, and escapes the characters that a terminal would interpret.
///
/// These are control characters, line separators, and characters that change the direction of writing. The last kind
/// can make one text look like another. The escapes are those of Rust, such as `\n` and `\u{202e}`.
///
/// ```
/// assert_eq!(chat_program::printable("ann\u{1b}[2J").to_string(), r"ann\u{1b}[2J");
/// ```
pub fn printable(text: &str) -> impl fmt::Display + use<'_> {
    Printable(text)
}

struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            if is_interpreted(char) {
                write!(f, "{}", char.escape_default())?;
            } else {
                f.write_char(char)?;
            }
        }
        Ok(())
    }
}

fn is_interpreted(char: char) -> bool {
    let changes_direction = matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char.is_control() || changes_direction || matches!(char, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_and_direction_characters_are_escaped() {
        for (text, shown) in [
            ("\u{1b}[2Jhi\r\n\t\u{9b}31m\u{7f}", r"\u{1b}[2Jhi\r\n\t\u{9b}31m\u{7f}"),
            ("abc\u{202e}fdp\u{61c}.exe", r"abc\u{202e}fdp\u{61c}.exe"),
            ("Größe 👩‍👩‍👧 شكرا \\n", "Größe 👩‍👩‍👧 شكرا \\n"),
        ] {
            assert_eq!(printable(text).to_string(), shown);
        }
    }
}
