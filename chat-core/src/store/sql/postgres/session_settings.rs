//! The settings of a connection: those of the parameter `options`, and those of the program.
//!
//! libpq sends `options` at the log-in. PgBouncer refuses that, and other poolers ignore it without an error. So these
//! settings are made after the log-in. At the log-in, the driver still sends the variable `PGOPTIONS`, and an `options`
//! that has more than settings.

use sqlx::{Error, Executor as _, PgConnection};
use sqlx_core::Url;

/// The settings of every connection of the pool.
///
/// - A statement may take 15 s, including its waits for locks.
/// - A transaction may be idle for 10 s. If this machine loses power, its connections stay open on the server, which
///   would keep the locks of their transactions. The time is shorter than that of a statement, so that a statement of
///   another node that waits for such a lock succeeds.
/// - Bitmap scans are off, so that rows are read in the order of an index. The planner expects that each user has the
///   average number of messages, which is small. It would therefore choose to read and sort all messages of the user.
///   For a user with a million messages, this takes a second instead of a millisecond.
/// - Sequential scans are off, because a plan that was made for a small table is kept while the table grows.
/// - The isolation level is set, because a server can have another default, under which transactions fail
///   unnecessarily.
const POOLED: &str = "set statement_timeout = '15s'; set idle_in_transaction_session_timeout = '10s'; \
     set enable_bitmapscan = off; set enable_seqscan = off; set jit = off; \
     set default_transaction_isolation = 'read committed'";

/// Resets the timeout of a statement and the planner settings of a connection of the pool.
///
/// The reset lasts until the end of the transaction. The timeout of an idle transaction stays: the transaction can be
/// long, but it is never idle for long.
pub(super) const BULK_MODE: &str = "select set_config('statement_timeout', '0', true), \
     set_config('enable_bitmapscan', 'on', true), set_config('enable_seqscan', 'on', true)";

/// Turns off the timeouts that the role or the database can have.
///
/// They are for requests. A migration and an examination can take longer.
const UNLIMITED: &str =
    "set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0";

/// The settings of the parameter `options`: names and values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::store::sql) struct SessionSettings(Vec<(String, String)>);

impl SessionSettings {
    /// Returns the address without the settings of its `options`, and these settings.
    ///
    /// If `options` has more than settings, the address is unchanged.
    pub(super) fn of(url: &Url) -> (Url, Self) {
        let (mut rest, mut settings) = (url.clone(), Self::default());
        rest.set_query(None);
        for (name, value) in url.query_pairs() {
            let one = name.strip_prefix("options[").and_then(|name| name.strip_suffix(']'));
            if let Some(one) = one {
                settings.add(one, &value);
            } else if name != "options" {
                rest.query_pairs_mut().append_pair(&name, &value);
            } else if settings.add_all(&value).is_none() {
                return (url.clone(), Self::default());
            }
        }
        (rest, settings)
    }

    /// Adds the setting of a parameter such as `options[search_path]`.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Adds the settings of a parameter `options`.
    ///
    /// They have the form `-c NAME=VALUE`, `-cNAME=VALUE` or `--NAME=VALUE`. Returns `None` if there is anything else:
    /// only the server knows its other options.
    pub(super) fn add_all(&mut self, options: &str) -> Option<()> {
        let mut words = words(options).into_iter();
        while let Some(word) = words.next() {
            let setting = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
                (Some(setting), _) => setting.to_owned(),
                (None, Some("")) => words.next()?,
                (None, setting) => setting?.to_owned(),
            };
            let (name, value) = setting.split_once('=')?;
            self.0.push((name.replace('-', "_"), value.to_owned()));
        }
        Some(())
    }

    /// Prepares a connection of the pool.
    pub(super) async fn set_for_pool(&self, connection: &mut PgConnection) -> Result<(), Error> {
        self.set(connection, POOLED).await
    }

    /// Prepares a connection for long work.
    pub(in crate::store::sql) async fn set_without_limits(
        &self,
        connection: &mut PgConnection,
    ) -> Result<(), Error> {
        self.set(connection, UNLIMITED).await
    }

    async fn set(&self, connection: &mut PgConnection, own: &'static str) -> Result<(), Error> {
        for (name, value) in &self.0 {
            let set = sqlx::query("select set_config($1, $2, false)").bind(name).bind(value);
            set.persistent(false).execute(&mut *connection).await?;
        }
        connection.execute(sqlx::raw_sql(own)).await.map(drop)
    }
}

/// Splits `options` at white space, as the server does. A backslash escapes the next character.
fn words(options: &str) -> Vec<String> {
    let (mut words, mut word, mut characters) = (Vec::new(), None::<String>, options.chars());
    while let Some(character) = characters.next() {
        if character.is_ascii_whitespace() {
            words.extend(word.take());
        } else {
            let escaped = if character == '\\' { characters.next() } else { Some(character) };
            word.get_or_insert_default().extend(escaped);
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_the_server_reads_them() {
        let mut read = SessionSettings::default();
        read.add_all(r"-csearch_path=a,b  -c lock_timeout=5s --work-mem=1MB -c x.y=a\ b\\=c").unwrap();
        read.add("jit", "on");
        let expected = [
            ("search_path", "a,b"),
            ("lock_timeout", "5s"),
            ("work_mem", "1MB"),
            ("x.y", r"a b\=c"),
            ("jit", "on"),
        ];
        assert_eq!(read.0, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn other_options_are_left_to_the_server() {
        for options in ["-B 100", "-c", "-c search_path", "search_path=a", "-csearch_path=a -e"] {
            assert_eq!(SessionSettings::default().add_all(options), None, "{options}");
        }
        SessionSettings::default().add_all(" ").unwrap();
    }
}
