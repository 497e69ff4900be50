//! The value of `--log`.

use std::str::FromStr;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// A filter of the log: levels, and targets with their level.
///
/// tracing-subscriber takes a word that is no level as the name of a target, and then logs only that target. Such a
/// word is most often a mistyped level, so it is refused. For the same reason a target is refused if no module can have
/// its name, such as `chat-core`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogFilter(String);

impl LogFilter {
    /// Returns the filter as `EnvFilter` reads it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogFilter {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        const HELP: &str =
            "give off, error, warn, info, debug or trace, also for parts, such as info,chat_core=debug";
        let is_word = |part: &&str| !part.contains(['=', '[']);
        let mut words = text.split(',').map(str::trim).filter(is_word);
        // `LevelFilter` reads an empty text as a level.
        match words.find(|word| word.is_empty() || word.parse::<LevelFilter>().is_err()) {
            Some("") => return Err(format!("a part of it is empty; {HELP}")),
            Some(word) => return Err(format!("{word} is no level; {HELP}")),
            None => {}
        }
        // A part with brackets or quotes is about spans and their fields.
        let of_targets =
            text.split(',').map(str::trim).filter(|part| !part.contains(['[', ']', '{', '}', '"']));
        for (target, level) in of_targets.filter_map(|part| part.split_once('=')) {
            if target.contains(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))) {
                return Err(format!("{target} is no part of the program; {HELP}"));
            }
            if level.is_empty() {
                return Err(format!("there is no level after {target}=; {HELP}"));
            }
        }
        let filter: String = text.split(',').map(str::trim).collect::<Vec<_>>().join(",");
        EnvFilter::try_new(&filter).map_err(|error| format!("{error}; {HELP}"))?;
        Ok(Self(filter))
    }
}
