//! How long something may be unused, as it is written on the command line.

use std::{str::FromStr, time::Duration};

/// A time, or for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Idle(pub(super) Option<Duration>);

impl FromStr for Idle {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HELP: &str = "give a number with s, m, h or d for its unit, such as 90d, or never";
        if text == "never" {
            return Ok(Self(None));
        }
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let seconds = match text.strip_prefix(digits) {
            Some("" | "s") => 1,
            Some("m") => 60,
            Some("h") => 3600,
            Some("d") => 24 * 3600,
            _ => return Err(HELP),
        };
        let number: u32 = digits.parse().map_err(|_| HELP)?;
        if number == 0 {
            return Err("what is void at once is of no use; `never` is for ever");
        }
        Ok(Self(Some(Duration::from_secs(u64::from(number) * seconds))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_a_unit_or_never() {
        for (text, seconds) in [("90d", 7_776_000), ("12h", 43_200), ("5m", 300), ("30s", 30), ("30", 30)] {
            assert_eq!(text.parse(), Ok(Idle(Some(Duration::from_secs(seconds)))), "{text}");
        }
        assert_eq!("never".parse(), Ok(Idle(None)));
        for not_one in ["", "d", "0", "-1d", "1.5h", "90 d", "90D", "for ever", "99999999999d"] {
            assert!(not_one.parse::<Idle>().is_err(), "{not_one}");
        }
    }
}
