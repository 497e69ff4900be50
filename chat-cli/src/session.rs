//! The sessions that `login` saves, one file per profile.
//!
//! Only the owner of a file can read it.

use crate::failure::{Failure, FailureKind, Result};
use chat_client::Token;
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

/// The default name of a token.
pub(crate) const TOKEN_NAME: &str = "chat-cli";

/// The name of the default profile.
const DEFAULT: &str = "default";

/// Maximum number of bytes that are read of a session file, which has about 100.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A server and the token for it.
#[derive(Serialize, Deserialize)]
pub(crate) struct SavedSession {
    /// The server that issued the token. The token is sent to no other server.
    pub(crate) server: String,
    pub(crate) token: Token,
}

/// The name of a saved session.
pub(crate) struct Profile {
    name: String,
}

impl Profile {
    /// Returns the profile with this name, or the default profile if `name` is `None`.
    pub(crate) fn new(name: Option<&str>) -> Result<Self> {
        let name = name.unwrap_or(DEFAULT);
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !name.chars().all(fits) {
            return Err(Failure::usage(format!("invalid profile name \"{name}\""))
                .with_hint("use letters, digits, - and _"));
        }
        Ok(Self { name: name.to_owned() })
    }

    /// Returns whether this is the default profile.
    pub(crate) fn is_default(&self) -> bool {
        self.name == DEFAULT
    }

    /// Returns the command that signs in with this profile.
    pub(crate) fn login_command(&self, username: &str) -> String {
        if self.is_default() {
            format!("chat-cli login {username}")
        } else {
            format!("chat-cli login {username} --profile {}", self.name)
        }
    }

    /// Reads the session; `None` if there is none.
    pub(crate) fn load(&self) -> Result<Option<SavedSession>> {
        // Without a home directory there is no saved session.
        let Ok(path) = self.path() else { return Ok(None) };
        let mut text = String::new();
        match File::open(&path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text)) {
            Ok(_) => {}
            // NotADirectory: users set XDG_CONFIG_HOME=/dev/null to have no configuration files.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(Failure::cannot(format!("read {}", path.display()), &error)),
        }
        // The error of the parser is not shown: it quotes the line, which may hold the token.
        toml::from_str(&text).map(Some).map_err(|_| {
            Failure::new(FailureKind::Failed, format!("cannot read {}: not a session file", path.display()))
                .with_hint("delete the file and sign in again with chat-cli login")
        })
    }

    /// Saves a session in place of the previous one, atomically.
    pub(crate) fn save(&self, session: &SavedSession) -> Result<()> {
        let path = self.path()?;
        let failed = |error: io::Error| Failure::cannot(format!("write {}", path.display()), &error);
        let text =
            toml::to_string(session).map_err(|error| Failure::cannot("serialize the session", &error))?;
        let directory = path.parent().unwrap_or(Path::new("."));
        create_private_directory(directory).map_err(failed)?;
        // A temporary file can be read only by its owner. Renaming it keeps the permissions.
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Deletes the session.
    pub(crate) fn delete(&self) -> Result<()> {
        let path = self.path()?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::cannot(format!("delete {}", path.display()), &error))
            }
            _ => Ok(()),
        }
    }

    fn path(&self) -> Result<PathBuf> {
        let directories = etcetera::choose_base_strategy().map_err(|error| {
            Failure::cannot("find the configuration directory", &error).with_hint("set HOME")
        })?;
        Ok(directories.config_dir().join("chat-cli").join(format!("{}.toml", self.name)))
    }
}

fn create_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
