//! Points in time in the format of the contract.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr, time::Duration};

/// A point in time: whole microseconds since 1970-01-01T00:00:00Z.
///
/// It is written as `YYYY-MM-DDTHH:MM:SS.ffffffZ`. The fraction has six digits, or is left out if it is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The error of a text that is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a time such as 2026-01-31T12:00:00.123456Z")]
pub struct ParseTimestampError;

impl Timestamp {
    /// Returns the time `micros` microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// Returns the microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
    /// Returns this time plus `duration`, or the latest possible time on overflow.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Timestamp {
    /// Appends the text, without `std::fmt`.
    ///
    /// A page of the benchmarks has fifty timestamps. Formatting one with `std::fmt` takes as long as writing the rest
    /// of its message.
    pub(crate) fn write(self, text: &mut String) {
        // A time out of the calendar's range, as in a damaged database, is written as the nearest end of the range.
        let time = jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        });
        let civil = jiff::tz::Offset::UTC.to_datetime(time);
        let (date, time) = (civil.date(), civil.time());
        if date.year() < 0 {
            text.push('-');
        }
        let year = u32::from(date.year().unsigned_abs());
        pair(text, year / 100);
        pair(text, year);
        for (before, number) in [
            ('-', date.month()),
            ('-', date.day()),
            ('T', time.hour()),
            (':', time.minute()),
            (':', time.second()),
        ] {
            text.push(before);
            pair(text, number.unsigned_abs().into());
        }
        let micros = time.subsec_nanosecond().unsigned_abs() / 1000;
        if micros > 0 {
            text.push('.');
            pair(text, micros / 10_000);
            pair(text, micros / 100);
            pair(text, micros);
        }
        text.push('Z');
    }
}

/// Appends the last two decimal digits of a number.
fn pair(text: &mut String, number: u32) {
    const PAIRS: &str = "\
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    let index = usize::try_from(number % 100).unwrap_or(0) * 2;
    text.push_str(PAIRS.get(index..index + 2).unwrap_or_default());
}

/// Length of the longest text, in bytes.
const LONGEST: usize = "-YYYY-MM-DDTHH:MM:SS.ffffffZ".len();

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(LONGEST);
        self.write(&mut text);
        f.write_str(&text)
    }
}

/// Reads RFC 3339; a time without an offset is UTC.
impl FromStr for Timestamp {
    type Err = ParseTimestampError;
    fn from_str(s: &str) -> Result<Self, ParseTimestampError> {
        let time = s.parse::<jiff::Timestamp>().or_else(|_| {
            let civil: jiff::civil::DateTime = s.parse()?;
            jiff::tz::Offset::UTC.to_timestamp(civil)
        });
        time.map(|time| Self(time.as_microsecond())).map_err(|_: jiff::Error| ParseTimestampError)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(LONGEST);
        self.write(&mut text);
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "UTC, with six fraction digits, or none when the fraction is zero.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_or_none() {
        for (read, written) in [
            ("2024-02-29T23:59:59.000001Z", "2024-02-29T23:59:59.000001Z"),
            ("2024-02-29T23:59:59.120Z", "2024-02-29T23:59:59.120000Z"),
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
            ("2024-02-29T23:59:59", "2024-02-29T23:59:59Z"),
            ("2024-03-01T01:59:59+02:00", "2024-02-29T23:59:59Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"),
        ] {
            assert_eq!(read.parse::<Timestamp>().unwrap().to_string(), written, "{read}");
        }
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert!(Timestamp::from_micros(i64::MAX).to_string().starts_with("9999-"));
    }
}
