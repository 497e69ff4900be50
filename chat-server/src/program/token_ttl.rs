//! The value of `--token-ttl`.

use std::{str::FromStr, time::Duration};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How long a token may be unused before it expires; `None` for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenTtl(pub(super) Option<Duration>);

impl FromStr for TokenTtl {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HELP: &str = "give a number with the unit s, m, h or d, such as 90d, or never";
        if text == "never" {
            return Ok(Self(None));
        }
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text.strip_prefix(digits) {
            Some("" | "s") => 1,
            Some("m") => MINUTE,
            Some("h") => HOUR,
            Some("d") => DAY,
            _ => return Err(HELP),
        };
        let number: u32 = digits.parse().map_err(|_| HELP)?;
        if number == 0 {
            return Err("0 would make every token expire at once; give a longer time, or never");
        }
        Ok(Self(Some(Duration::from_secs(u64::from(number) * unit))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_have_a_unit() {
        for (text, seconds) in [("90d", 7_776_000), ("12h", 43_200), ("5m", 300), ("30s", 30), ("30", 30)] {
            assert_eq!(text.parse(), Ok(TokenTtl(Some(Duration::from_secs(seconds)))), "{text}");
        }
    }

    #[test]
    fn never_means_no_expiry() {
        assert_eq!("never".parse(), Ok(TokenTtl(None)));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "d", "0", "-1d", "1.5h", "90 d", "90D", "for ever", "99999999999d"] {
            assert!(text.parse::<TokenTtl>().is_err(), "{text}");
        }
    }
}
