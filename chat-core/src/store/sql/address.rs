//! Reads the address of a database.

use super::{AddressPart, OpenError};
use std::path::Path;

/// The parts of the address of a database.
///
/// # Examples
/// ```
/// use chat_core::store::sql::{Address, Mode};
///
/// let address = Address::parse("sqlite://chat.db?mode=rw")?;
/// assert_eq!(address, Address::File("chat.db".as_ref(), Mode::ReadWrite));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address<'a> {
    /// An SQLite database in the memory of the process.
    Memory,
    /// An SQLite file, and how it is opened.
    File(&'a Path, Mode),
    /// A Postgres database. Its driver reads the rest of the address.
    Postgres,
}

/// How an SQLite file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mode {
    /// Only reads: `mode=ro`. The file must exist, with a current schema.
    ReadOnly,
    /// Reads and writes: `mode=rw`. The file must exist.
    ReadWrite,
    /// Reads and writes, and creates a missing file: `mode=rwc`, and the default.
    Create,
}

impl<'a> Address<'a> {
    /// Reads an address.
    ///
    /// The path of an SQLite file ends at the first `?`. It is used as it is, without escapes.
    ///
    /// # Errors
    /// - [`OpenError::Address`] if the address has another form.
    /// - [`OpenError::FileAddress`] if its path is an SQLite URI.
    /// - [`OpenError::UnsupportedParameter`] if an SQLite address has a parameter other than `mode`. A database in
    ///   memory may not have any parameter.
    /// - [`OpenError::InvalidParameter`] if an SQLite address has `mode` twice, or another mode.
    pub fn parse(url: &'a str) -> Result<Self, OpenError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres);
        }
        let place = url.strip_prefix("sqlite:").ok_or(OpenError::Address)?;
        let place = place.strip_prefix("//").unwrap_or(place);
        let (path, parameters) = place.split_once('?').unwrap_or((place, ""));
        if is_uri(path) {
            return Err(OpenError::FileAddress);
        }
        match (path, mode(parameters)?) {
            ("", _) => Err(OpenError::Address),
            (":memory:", None) => Ok(Self::Memory),
            (":memory:", Some(_)) => {
                Err(OpenError::UnsupportedParameter(AddressPart::Parameter("mode".to_owned())))
            }
            (path, mode) => Ok(Self::File(path.as_ref(), mode.unwrap_or(Mode::Create))),
        }
    }
}

/// Returns whether SQLite would read a path as a URI.
pub(super) fn is_uri(path: &str) -> bool {
    path.starts_with("file:")
}

/// Reads the parameters of an SQLite address.
fn mode(parameters: &str) -> Result<Option<Mode>, OpenError> {
    let mut mode = None;
    for given in parameters.split('&').filter(|given| !given.is_empty()) {
        let (name, value) = given.split_once('=').unwrap_or((given, ""));
        let given = match (name, value) {
            ("mode", "ro") => Mode::ReadOnly,
            ("mode", "rw") => Mode::ReadWrite,
            ("mode", "rwc") => Mode::Create,
            ("mode", _) => {
                return Err(OpenError::InvalidParameter(AddressPart::Parameter("mode".to_owned())));
            }
            _ => return Err(OpenError::UnsupportedParameter(AddressPart::Parameter(name.to_owned()))),
        };
        if mode.replace(given).is_some() {
            return Err(OpenError::InvalidParameter(AddressPart::Parameter("mode".to_owned())));
        }
    }
    Ok(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_ends_at_the_first_question_mark_and_has_no_escapes() {
        for (url, path, mode) in [
            ("sqlite://chat.db", "chat.db", Mode::Create),
            ("sqlite:chat.db?", "chat.db", Mode::Create),
            ("sqlite:///var/chat.db?mode=ro", "/var/chat.db", Mode::ReadOnly),
            ("sqlite://a%20b%3f.db?mode=rw", "a%20b%3f.db", Mode::ReadWrite),
            ("sqlite://a#b.db?&mode=rwc&", "a#b.db", Mode::Create),
            ("sqlite://./file:chat.db", "./file:chat.db", Mode::Create),
        ] {
            assert_eq!(Address::parse(url).unwrap(), Address::File(path.as_ref(), mode), "{url}");
        }
        assert_eq!(Address::parse("sqlite::memory:").unwrap(), Address::Memory);
        assert_eq!(Address::parse("postgres://db/chat?mode=ro").unwrap(), Address::Postgres);
    }

    #[test]
    fn a_parameter_is_refused_by_name_without_its_value() {
        for (url, name) in [
            ("sqlite://chat.db?key=s3cret", "key"),
            ("sqlite://chat.db?mode=s3cret", "mode"),
            ("sqlite://chat.db?mode=rw?x", "mode"),
            ("sqlite://chat.db?mode=ro&mode=rw", "mode"),
            ("sqlite://chat.db?mode=rw&Cache=s3cret", "Cache"),
            ("sqlite://chat.db?\u{1b}=s3cret", "\\u{1b}"),
            ("sqlite::memory:?mode=rw", "mode"),
            ("sqlite://?key=s3cret", "key"),
        ] {
            let error = Address::parse(url).unwrap_err();
            assert!(error.to_string().contains(&format!("the parameter {name} of")), "{url}: {error}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn an_sqlite_uri_is_refused() {
        for url in ["sqlite:file:chat.db", "sqlite://file:chat.db?mode=memory", "sqlite://file:///chat.db"] {
            let error = Address::parse(url).unwrap_err();
            assert!(matches!(error, OpenError::FileAddress), "{url}: {error}");
        }
    }
}
