//! The address of the database.

use super::failure::{Usage, hinted};
use anyhow::Result;
use chat_core::store::sql::{Address, AddressPart, OpenError};
use std::{convert::Infallible, fmt, fs::File, io::Read, path::Path, str::FromStr};

/// Maximum number of bytes that are read from the file of an address.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The address of the database. `Display` and `Debug` leave the password out.
///
/// The command line's parser accepts any text, because an error of clap would print the text with its password.
#[derive(Clone)]
pub(super) struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Reads the address from a file.
    pub(super) fn from_file(file: &Path) -> Result<Self> {
        let mut text = String::new();
        let read = File::open(file).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
        read.map_err(|error| {
            let text = format!("cannot read the database address from {}", file.display());
            let error = anyhow::Error::from(error).context(text);
            hinted(error, "check --database-url-file or CHAT_DATABASE_URL_FILE")
        })?;
        Ok(Self(text.trim().to_owned()))
    }

    /// Returns the address with its password. Only the driver may use it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether the database is SQLite.
    pub(super) fn is_sqlite(&self) -> bool {
        self.0.starts_with("sqlite:")
    }

    /// Returns the parts of the address.
    pub(super) fn parse(&self) -> Result<Address<'_>> {
        Address::parse(&self.0).map_err(failed)
    }

    /// Returns the file of an SQLite database.
    ///
    /// Returns `None` if the database is in memory or on Postgres, or if the address cannot be read.
    pub(super) fn file(&self) -> Option<&Path> {
        match Address::parse(&self.0) {
            Ok(Address::File(path, _)) => Some(path),
            _ => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = Infallible;
    fn from_str(url: &str) -> Result<Self, Infallible> {
        Ok(Self(url.to_owned()))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The parameters after the question mark may contain a password too.
        let url = self.0.split_once('?').map_or(&*self.0, |(url, _)| url);
        if self.is_sqlite() {
            return f.write_str(url);
        }
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        write!(f, "{scheme}://{host}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// Returns whether the address itself is wrong, and not the database.
pub(super) const fn is_wrong_address(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::Address
            | OpenError::FileAddress
            | OpenError::UnsupportedParameter(_)
            | OpenError::InvalidParameter(_)
            | OpenError::SeveralHosts
    )
}

/// Converts an error. An address that cannot be read is wrong usage.
pub(super) fn failed(error: OpenError) -> anyhow::Error {
    match error.hint() {
        Some(hint) if is_wrong_address(&error) => {
            let place = match &error {
                // The text names the variable of libpq.
                OpenError::UnsupportedParameter(AddressPart::Variable(_))
                | OpenError::InvalidParameter(AddressPart::Variable(_)) => "",
                _ => " (given by --database-url, CHAT_DATABASE_URL or the file of the address)",
            };
            hinted(Usage(format!("{error}{place}")), hint)
        }
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> DatabaseUrl {
        text.parse().unwrap()
    }

    #[test]
    fn no_password_is_printed() {
        for (given, printed) in [
            ("postgres://ann:s@cret@db:5432/chat", "postgres://db:5432/chat"),
            ("postgres://db/chat?password=s3cret&sslmode=require", "postgres://db/chat"),
            ("postgresql://ann@db/chat", "postgresql://db/chat"),
            ("sqlite://a@c.db?key=s3cret", "sqlite://a@c.db"),
        ] {
            assert_eq!(url(given).to_string(), printed);
            assert_eq!(format!("{:?}", url(given)), format!("DatabaseUrl({printed})"));
        }
    }

    #[test]
    fn only_an_sqlite_database_on_disk_has_a_file() {
        assert_eq!(url("sqlite://chat.db").file(), Some(Path::new("chat.db")));
        assert_eq!(url("sqlite:///var/chat.db").file(), Some(Path::new("/var/chat.db")));
        assert_eq!(url("sqlite:chat.db").file(), Some(Path::new("chat.db")));
        for none in ["sqlite::memory:", "sqlite://", "sqlite:file:chat.db", "postgres://db/chat"] {
            assert_eq!(url(none).file(), None, "{none}");
        }
    }
}
