//! Reads a JSON object, with each value as it was sent.

use super::{error::ReadBodyError, value::Value};
use chat_core::api::limits;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// Reads the named members of a body that must be a JSON object.
///
/// If a name is repeated, the last value is used.
pub(super) fn values<'a, const N: usize>(
    body: &'a [u8],
    names: [&'static str; N],
) -> Result<[Option<Value<'a>>; N], ReadBodyError> {
    let not_utf8 = |_| ReadBodyError::syntax("the body is not valid UTF-8");
    let text = std::str::from_utf8(body).map_err(not_utf8)?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = reader.deserialize_map(Members(names)).and_then(|members| reader.end().map(|()| members));
    let members = members.map_err(|reason| error(text, &reason))?;
    check_beyond_syntax(body).map_err(ReadBodyError::syntax)?;
    let mut values = [const { None }; N];
    for (slot, raw) in values.iter_mut().zip(members) {
        *slot = raw.map(|raw| value(raw.get())).transpose()?;
    }
    Ok(values)
}

/// Returns the error of a body that was not read as an object.
///
/// It is the first syntax error, or the error that the body is not an object.
fn error(text: &str, error: &serde_json::Error) -> ReadBodyError {
    let document = match serde_json::from_str::<&RawValue>(text) {
        Ok(document) => document,
        Err(error) => return ReadBodyError::syntax(error),
    };
    if let Err(reason) = check_beyond_syntax(text.as_bytes()) {
        return ReadBodyError::syntax(reason);
    }
    match value(document.get()) {
        Ok(Value::Object(_)) => ReadBodyError::syntax(error),
        Ok(Value::Null) => ReadBodyError::Null,
        Ok(Value::Text(_)) => ReadBodyError::NotAnObject("str"),
        Ok(Value::Bool(_)) => ReadBodyError::NotAnObject("bool"),
        Ok(Value::Array(_)) => ReadBodyError::NotAnObject("list"),
        Ok(Value::Number(number)) if number.contains(['.', 'e', 'E']) => ReadBodyError::NotAnObject("float"),
        Ok(Value::Number(_)) => ReadBodyError::NotAnObject("int"),
        Err(error) => error,
    }
}

/// Reads a value whose syntax was checked. Its first byte determines its type.
fn value(raw: &str) -> Result<Value<'_>, ReadBodyError> {
    Ok(match raw.as_bytes().first() {
        Some(b'"') => {
            let Text(text) = serde_json::from_str(raw).map_err(ReadBodyError::syntax)?;
            Value::Text(text)
        }
        Some(b'{') => Value::Object(raw),
        Some(b'[') => Value::Array(raw),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') => Value::Null,
        _ => Value::Number(raw),
    })
}

/// A string, copied only if it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Visits an object for the members with these names; leaves the values unparsed.
struct Members<const N: usize>([&'static str; N]);

impl<'de, const N: usize> Visitor<'de> for Members<N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = [None; N];
        while let Some((Text(name), value)) = map.next_entry()? {
            let index = self.0.iter().position(|known| *known == name);
            if let Some(slot) = index.and_then(|index| members.get_mut(index)) {
                *slot = Some(value);
            }
        }
        Ok(members)
    }
}

/// Checks the nesting depth, and that no `\u` escape is a lone surrogate.
///
/// The parser does not check this in values that it skips. In all other respects `body` is known to be JSON.
fn check_beyond_syntax(body: &[u8]) -> Result<(), &'static str> {
    // The count of a chunk fits into a byte, so that the compiler counts many bytes at a time.
    let opened_in = |chunk: &[u8]| chunk.iter().map(|byte| u8::from(matches!(byte, b'{' | b'['))).sum::<u8>();
    let opened: usize = body.chunks(255).map(|chunk| usize::from(opened_in(chunk))).sum();
    if opened <= limits::JSON_DEPTH_MAX && !body.contains(&b'\\') {
        return Ok(());
    }
    let mut depth = 0_usize;
    let mut bytes = body.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > limits::JSON_DEPTH_MAX {
                    return Err("the nesting is too deep");
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => check_string(&mut bytes)?,
            _ => {}
        }
    }
    Ok(())
}

/// Checks the escapes of a string, to its end.
fn check_string(bytes: &mut impl Iterator<Item = u8>) -> Result<(), &'static str> {
    const LONE: &str = "an escape is a lone surrogate";
    // Whether the last escape was the first half of a surrogate pair. The second half must follow at once.
    let mut half = false;
    loop {
        let escape = match bytes.next() {
            None => return Ok(()),
            Some(b'\\') => bytes.next(),
            Some(b'"') if half => return Err(LONE),
            Some(b'"') => return Ok(()),
            Some(_) => None,
        };
        let unit = if escape == Some(b'u') { hex(bytes) } else { 0 };
        match (half, unit) {
            (true, 0xDC00..=0xDFFF) => half = false,
            (true, _) | (false, 0xDC00..=0xDFFF) => return Err(LONE),
            (false, 0xD800..=0xDBFF) => half = true,
            (false, _) => {}
        }
    }
}

fn hex(bytes: &mut impl Iterator<Item = u8>) -> u32 {
    let digits = bytes.take(4).filter_map(|byte| char::from(byte).to_digit(16));
    digits.fold(0, |unit, digit| unit * 16 + digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_syntax_error(body: impl AsRef<[u8]>) -> bool {
        matches!(values(body.as_ref(), ["a"]), Err(ReadBodyError::Syntax(_)))
    }

    #[test]
    fn values_keep_their_spelling_and_the_last_of_a_name_counts() {
        let body = br#" {"a": 1, "b":1.50, "\u0061": "x", "c":[1, 2], "e": {}} "#;
        let [a, b, c, d] = values(body, ["a", "b", "c", "d"]).unwrap();
        assert_eq!(a, Some(Value::Text("x".into())));
        assert_eq!(b, Some(Value::Number("1.50")));
        assert_eq!(c, Some(Value::Array("[1, 2]")));
        assert_eq!(d, None);
    }

    #[test]
    fn a_number_beyond_every_type_is_not_a_syntax_error() {
        assert_eq!(values(br#"{"a":1e999}"#, ["a"]).unwrap(), [Some(Value::Number("1e999"))]);
    }

    #[test]
    fn nesting_is_counted_everywhere_but_in_strings() {
        let nested =
            |levels: usize| format!(r#"{{"x":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
        assert!(values(nested(128).as_bytes(), ["a"]).is_ok());
        assert!(is_syntax_error(nested(129)));
        assert!(values(format!(r#"{{"x":"{}"}}"#, "[".repeat(200)).as_bytes(), ["a"]).is_ok());
        assert!(is_syntax_error(nested(30_000)));
    }

    #[test]
    fn a_single_surrogate_is_a_syntax_error_everywhere() {
        assert!(values(br#"{"a":"\ud83d\ude00 \\ud800 \""}"#, ["a"]).is_ok());
        for bad in
            [r#"{"a":"\ud800"}"#, r#"{"a":{"b":["\udc00"]}}"#, r#"{"\ud800":1}"#, r#"{"a":"\ud800\n\udc00"}"#]
        {
            assert!(is_syntax_error(bad), "{bad}");
        }
    }

    #[test]
    fn text_that_is_not_json_is_a_syntax_error() {
        for bad in
            ["", " ", "{", "{'a':1}", r#"{"a":NaN}"#, r#"{"a":01}"#, "\u{feff}{}", "{}x", "{\"a\":\"\t\"}"]
        {
            assert!(is_syntax_error(bad), "{bad:?}");
        }
        assert!(is_syntax_error(b"{\"a\":\"\xff\"}"));
    }

    #[test]
    fn json_of_another_type_is_named_as_python_names_it() {
        for (body, name) in
            [("[]", "list"), ("\"\"", "str"), ("1", "int"), ("1e0", "float"), ("true", "bool")]
        {
            let error = values(body.as_bytes(), ["a"]).unwrap_err();
            assert!(matches!(error, ReadBodyError::NotAnObject(named) if named == name), "{body}");
        }
        assert!(matches!(values(b"null", ["a"]), Err(ReadBodyError::Null)));
    }
}
