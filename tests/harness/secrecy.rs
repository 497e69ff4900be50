//! The log of every server that the tests start: all there is of it, searched for what no log may have.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader, Seek, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// What no log may have, beside [tokens](holds_token): the passwords that tests use and the headers that carry keys.
const SECRETS: [&str; 4] =
    [crate::server::PASSWORD, "authorization: ", "idempotency-key: ", "pbkdf2_sha256$"];

/// A log, as far as it was written, and what must not be in it.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    file: Arc<File>,
    secrets: Arc<Mutex<BTreeSet<String>>>,
}

impl Log {
    pub(crate) fn new() -> Self {
        let secrets = SECRETS.map(str::to_owned).into();
        let file = tempfile::tempfile().expect("a temporary file");
        Self { file: Arc::new(file), secrets: Arc::new(Mutex::new(secrets)) }
    }

    /// Adds a line.
    pub(crate) fn push(&self, line: &str) {
        writeln!(&*self.file, "{line}").expect("room for the log");
    }

    /// Adds what must not be in it either.
    pub(crate) fn keep_out(&self, secret: &str) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.to_owned());
    }

    /// Looks for secrets.
    ///
    /// # Panics
    /// With the line that has one.
    pub(crate) fn search(&self) {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (&*self.file).rewind().expect("a file");
        for line in BufReader::new(&*self.file).lines() {
            let line = line.expect("a readable log");
            let found = secrets.iter().find(|secret| line.contains(secret.as_str()));
            assert!(found.is_none() && !holds_token(&line), "a secret in the log ({found:?}): {line}");
        }
    }
}

/// Whether a text holds what could be a token or the hash of one: forty hexadecimal digits in a row.
fn holds_token(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_hexdigit()).any(|digits| digits.len() >= 40)
}
