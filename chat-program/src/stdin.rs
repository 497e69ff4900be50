//! Standard input, which may be endless.

use std::io::{self, BufRead, ErrorKind, Read};

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the next line of standard input, without its end.
///
/// At the end of the input it returns `None`.
///
/// # Errors
/// - `FileTooLarge` if the line has more than `max` bytes. At most two bytes more than that are read.
/// - `InvalidData` if it is not UTF-8.
/// - The errors of reading.
pub fn read_line(max: u64) -> io::Result<Option<String>> {
    line_of(&mut io::stdin().lock(), max)
}

/// Reads standard input to its end, without a final line ending.
///
/// # Errors
/// Those of [`read_line`], for the whole text.
pub fn read_text(max: u64) -> io::Result<String> {
    text_of(io::stdin().lock(), max)
}

/// Reads the next line of `source`; see [`read_line`].
pub(crate) fn line_of(source: &mut impl BufRead, max: u64) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    // The line ending may have two bytes.
    source.take(max.saturating_add(2)).read_until(b'\n', &mut line)?;
    if line.is_empty() { Ok(None) } else { checked(line, max).map(Some) }
}

fn text_of(source: impl Read, max: u64) -> io::Result<String> {
    let mut text = Vec::new();
    source.take(max.saturating_add(2)).read_to_end(&mut text)?;
    checked(text, max)
}

/// Removes one line ending and a byte order mark, and checks the length and the encoding.
///
/// The byte order mark counts towards the length. PowerShell begins its output with it. It is no part of a password or
/// of a text.
fn checked(mut text: Vec<u8>, max: u64) -> io::Result<String> {
    if text.ends_with(b"\n") {
        text.pop();
        if text.ends_with(b"\r") {
            text.pop();
        }
    }
    if text.len() as u64 > max {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it is longer than {max} bytes")));
    }
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len());
    }
    String::from_utf8(text).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = 8;

    #[test]
    fn one_line_end_is_removed() {
        for (read, line, text) in [
            ("a\n", "a", "a"),
            ("a\r\n", "a", "a"),
            ("a\n\n", "a", "a\n"),
            (" a b \nc\n", " a b ", " a b \nc"),
            ("a\r", "a\r", "a\r"),
            ("12345678\r\n", "12345678", "12345678"),
            ("\u{feff}a\r\n", "a", "a"),
        ] {
            assert_eq!(line_of(&mut read.as_bytes(), MAX).unwrap().as_deref(), Some(line), "{read:?}");
            assert_eq!(text_of(read.as_bytes(), MAX).unwrap(), text, "{read:?}");
        }
    }

    #[test]
    fn the_end_of_the_input_is_no_line() {
        assert_eq!(line_of(&mut io::empty(), MAX).unwrap(), None);
        assert_eq!(line_of(&mut "\n".as_bytes(), MAX).unwrap().as_deref(), Some(""));
    }

    #[test]
    fn endless_input_is_refused() {
        let endless = || io::BufReader::new(io::repeat(b'y'));
        assert_eq!(line_of(&mut endless(), MAX).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(text_of(endless(), MAX).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(line_of(&mut "123456789\n".as_bytes(), MAX).unwrap_err().kind(), ErrorKind::FileTooLarge);
        assert_eq!(text_of(&b"\xff"[..], MAX).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
