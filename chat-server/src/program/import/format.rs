//! The formats that a file may have instead of Django's JSON.
//!
//! They are recognised by their first bytes.

/// The number of bytes at the beginning of a file that are examined.
pub(super) const HEAD_BYTES: usize = 4096;

/// The first bytes of each format, with its name and what to do with such a file.
const SIGNATURES: [(&[u8], &str); 12] = [
    (b"\x1f\x8b", "it is compressed with gzip; decompress it with gunzip"),
    (b"BZh", "it is compressed with bzip2; decompress it with bunzip2"),
    (b"\xfd7zXZ\0", "it is compressed with xz; decompress it with unxz"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd; decompress it with unzstd"),
    (b"PK\x03\x04", "it is a ZIP archive; extract the dump from it with unzip"),
    (b"SQLite format 3\0", "it is an SQLite database; write a dump of it with manage.py dumpdata"),
    (b"PGDMP", "it is an archive of pg_dump; write a dump with manage.py dumpdata"),
    (b"<?xml", "it is XML; dump again with --format=json"),
    (b"- model:", "it is YAML; dump again with --format=json"),
    (b"\xff\xfe\0\0", "it is UTF-32; convert it with iconv -f UTF-32 -t UTF-8"),
    (b"\xff\xfe", UTF_16),
    (b"\xfe\xff", UTF_16),
];

const UTF_16: &str =
    "it is UTF-16; convert it with iconv -f UTF-16 -t UTF-8, or dump again with --output dump.json";

/// Returns why `head` cannot be the beginning of an array of objects.
///
/// The text also has advice. `head` is the beginning of the file, without a byte order mark, or the whole file.
pub(super) fn refusal(head: &[u8]) -> Option<String> {
    if let Some((_, what)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return Some((*what).to_owned());
    }
    // UTF-16 without a byte order mark: `[` and a zero byte, in either order.
    if head.starts_with(b"[\0") || head.starts_with(b"\0[") {
        return Some(UTF_16.to_owned());
    }
    let text = head.trim_ascii_start();
    match text {
        [] if head.len() < HEAD_BYTES => Some("it is empty; check that dumpdata did not fail".to_owned()),
        [b'{', ..] => Some(
            "it begins with an object, as JSON Lines does; dump again with --format=json, or make an array of the \
             lines with jq -s ."
                .to_owned(),
        ),
        [b'[', rest @ ..] if matches!(rest.trim_ascii_start(), [] | [b'{' | b']', ..]) => None,
        _ => array_line(head).map(|line| {
            format!(
                "other text precedes the array, which begins on line {line}; remove that text, or dump again with \
                 --output dump.json"
            )
        }),
    }
}

/// Returns the number of the first line that begins with an array of objects.
///
/// Line 1 is not searched.
fn array_line(head: &[u8]) -> Option<usize> {
    let begins = |line: &[u8]| {
        let inside = line.trim_ascii_start().strip_prefix(b"[");
        inside.is_some_and(|inside| matches!(inside.trim_ascii_start(), [] | [b'{', ..]))
    };
    head.split(|byte| *byte == b'\n').skip(1).position(begins).map(|line| line + 2)
}

/// Returns whether a syntax error is in a number that JSON does not have.
///
/// Python writes `NaN`, `Infinity` and `-Infinity`. `rest` has the bytes that serde_json has not read yet. It has read
/// the first letter of the number, and after a minus the second letter too.
pub(super) fn is_non_finite(rest: &[u8]) -> bool {
    [&b"aN"[..], b"nfinity", b"finity"].iter().any(|number| rest.starts_with(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_of_objects_may_follow_white_space() {
        for head in ["[", "[]", "[{", " \n[\r\n  {\"model\": ", "[\n]"] {
            assert_eq!(refusal(head.as_bytes()), None, "{head}");
        }
        assert_eq!(refusal(&[b' '; HEAD_BYTES]), None, "the array may follow");
    }

    #[test]
    fn the_line_of_the_array_is_found_after_other_text() {
        for (head, line) in [
            ("Loading .env\n[{\"model\"", Some(2)),
            ("[INFO] a\n[INFO] b\n  [\n{\"model\"", Some(3)),
            ("CREATE TABLE\n", None),
        ] {
            assert_eq!(array_line(head.as_bytes()), line, "{head}");
            let named = refusal(head.as_bytes()).map(|text| text.contains("other text precedes the array"));
            assert_eq!(named, line.map(|_| true), "{head}");
        }
    }
}
