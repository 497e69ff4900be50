//! Searches the whole log of every [`Program`](crate::Program) for secrets.
//!
//! A [`Server`](crate::Server) inside the test process writes no log.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader, Seek, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// Texts that no log may contain, besides [tokens](holds_token).
///
/// They are the usual password of the tests, the headers that carry tokens and keys, and the start of an imported hash.
const SECRETS: [&str; 4] =
    [crate::server::PASSWORD, "authorization: ", "idempotency-key: ", "pbkdf2_sha256$"];

/// The log up to now, and the secrets that it must not contain.
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

    /// Appends a line.
    pub(crate) fn push(&self, line: &str) {
        writeln!(&*self.file, "{line}").expect("room for the log");
    }

    /// Adds a secret that the log must not contain.
    pub(crate) fn forbid(&self, secret: &str) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(secret.to_owned());
    }

    /// Searches the log for secrets.
    ///
    /// # Panics
    /// If a line contains one. The message has the line.
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

/// Returns whether a text contains a token or the hash of a token.
///
/// Both have at least 40 hexadecimal digits in a row.
fn holds_token(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_hexdigit()).any(|digits| digits.len() >= 40)
}
