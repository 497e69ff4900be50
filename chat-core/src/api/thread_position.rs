//! Positions in the list of threads.

use super::{ParseIdError, ThreadId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// A position in the list of threads: the place of one thread.
///
/// It is written as the id of the thread, a point and the number of the thread in the order of creation, such as
/// `3cff18f1-d049-43f3-9c69-fcc8948f66f6.17`. The number alone defines the place, so the position stays valid after the
/// thread is deleted. A thread id without a number is a position too, but only while the thread is in the list of the
/// caller.
///
/// ```
/// use chat_core::api::{ThreadId, ThreadPosition};
///
/// let position: ThreadPosition = "3cff18f1-d049-43f3-9c69-fcc8948f66f6.17".parse()?;
/// assert_eq!(position.number(), Some(17));
/// assert_eq!(ThreadPosition::from(position.thread()).to_string(), "3cff18f1-d049-43f3-9c69-fcc8948f66f6");
/// # Ok::<(), chat_core::api::ParseIdError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThreadPosition {
    thread: ThreadId,
    number: Option<i64>,
}

impl ThreadPosition {
    /// Returns the position of a thread whose number is known.
    pub const fn new(thread: ThreadId, number: i64) -> Self {
        Self { thread, number: Some(number) }
    }
    /// Returns the thread.
    pub const fn thread(self) -> ThreadId {
        self.thread
    }
    /// Returns the number of the thread in the order of creation.
    ///
    /// It is `None` if the position was made from the id alone.
    pub const fn number(self) -> Option<i64> {
        self.number
    }
}

impl From<ThreadId> for ThreadPosition {
    fn from(thread: ThreadId) -> Self {
        Self { thread, number: None }
    }
}

impl fmt::Display for ThreadPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.thread.fmt(f)?;
        self.number.map_or(Ok(()), |number| write!(f, ".{number}"))
    }
}

impl FromStr for ThreadPosition {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let Some((thread, number)) = text.split_once('.') else {
            return Ok(text.parse::<ThreadId>()?.into());
        };
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        match number.parse() {
            Ok(number) if is_number => Ok(Self::new(thread.parse()?, number)),
            _ => Err(ParseIdError::of("thread")),
        }
    }
}

impl Serialize for ThreadPosition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ThreadPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ThreadPosition {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ThreadPosition".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let example = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.[0-9]+)?$",
            "examples": [example],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREAD: &str = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";

    #[test]
    fn a_position_is_written_as_it_is_read() {
        for text in [THREAD.to_owned(), format!("{THREAD}.0"), format!("{THREAD}.{}", i64::MAX)] {
            let position: ThreadPosition = text.parse().unwrap();
            assert_eq!(position.to_string(), text);
            let json = serde_json::to_string(&position).unwrap();
            assert_eq!(serde_json::from_str::<ThreadPosition>(&json).unwrap(), position);
        }
    }

    #[test]
    fn a_number_is_digits_after_one_point() {
        for number in ["", "+1", "-1", " 1", "1 ", "1.", ".1", "1.0", "x", "9223372036854775808"] {
            assert!(format!("{THREAD}.{number}").parse::<ThreadPosition>().is_err(), "{number}");
        }
        for text in ["", "1", ".1", "17.3cff18f1-d049-43f3-9c69-fcc8948f66f6"] {
            assert!(text.parse::<ThreadPosition>().is_err(), "{text}");
        }
    }
}
