//! Typed ids, so that the id of a user cannot be used as the id of a message.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::{Uuid, fmt::Hyphenated};

/// The error of a text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id")]
pub struct ParseIdError {
    kind: &'static str,
}

impl ParseIdError {
    /// Returns the error for an id of this kind.
    pub(super) const fn of(kind: &'static str) -> Self {
        Self { kind }
    }
}

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(#[cfg_attr(feature = "schema", schemars(range(min = 1), example = $example))] i64);

        impl $name {
            /// Returns the id with this number.
            pub const fn new(id: i64) -> Self {
                Self(id)
            }
            /// Returns the number.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl From<i64> for $name {
            fn from(id: i64) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(s: &str) -> Result<Self, ParseIdError> {
                s.parse().map(Self).map_err(|_| ParseIdError { kind: $kind })
            }
        }
    };
}

integer_id!(
    /// The id of a user: a positive integer.
    UserId,
    "user",
    2
);
integer_id!(
    /// The id of a message: a positive integer.
    ///
    /// Within a thread, a later message has a larger id.
    MessageId,
    "message",
    551
);

integer_id!(
    /// The number of a token: a positive integer.
    ///
    /// The tokens of each user are counted from 1. The number reveals nothing about the token itself.
    TokenId,
    "token",
    1
);

/// The id of a thread: a UUID, printed in lower case with dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ThreadId(Uuid);

impl ThreadId {
    /// Returns the id with this UUID.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }
    /// Returns the UUID.
    pub const fn get(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for ThreadId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads each spelling of 32 hexadecimal digits that Python's `uuid.UUID` reads.
///
/// The text may have any letter case, dashes at any position or none, braces, and `urn:uuid:`. Python also reads some
/// other texts of 32 characters, such as those with a sign, `0x`, an underscore or white space. They are refused here.
impl FromStr for ThreadId {
    type Err = ParseIdError;
    fn from_str(s: &str) -> Result<Self, ParseIdError> {
        // Fast path: the canonical form, which most clients send.
        if let Ok(id) = s.parse::<Hyphenated>() {
            return Ok(Self(id.into_uuid()));
        }
        let plain = s.replace("urn:", "").replace("uuid:", "");
        let hex = plain.trim_matches(['{', '}']).replace('-', "");
        match u128::from_str_radix(&hex, 16) {
            // `from_str_radix` accepts a sign too.
            Ok(id) if hex.len() == 32 && !hex.starts_with('+') => Ok(Self(Uuid::from_u128(id))),
            _ => Err(ParseIdError { kind: "thread" }),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for ThreadId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ThreadId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let example = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";
        schemars::json_schema!({ "type": "string", "format": "uuid", "examples": [example] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thread_ids_are_read_in_every_spelling_and_printed_in_one() {
        let canonical = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";
        for spelling in [
            canonical,
            "3CFF18F1D04943F39C69FCC8948F66F6",
            "{3cff18f1-d049-43f3-9c69-fcc8948f66f6}",
            "urn:uuid:3cff18f1-d049-43f3-9c69-fcc8948f66f6",
            "3-c-f-f18f1d04943f39c69fcc8948f66f6-",
        ] {
            assert_eq!(spelling.parse::<ThreadId>().unwrap().to_string(), canonical, "{spelling}");
        }
        for not_one in ["", "abc", " 3cff18f1d04943f39c69fcc8948f66f6", "+cff18f1d04943f39c69fcc8948f66f6"] {
            assert!(not_one.parse::<ThreadId>().is_err(), "{not_one}");
        }
    }
}
