//! The sessions that `login` keeps: one file per profile, which nobody but its owner can read.

use crate::failure::{Failure, Result};
use chat_client::Token;
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

/// What a token is called unless its owner says otherwise.
pub(crate) const TOKEN_NAME: &str = "chat-cli";

/// The profile used unless told otherwise.
const DEFAULT: &str = "default";

/// Signed in: at which server, by which token.
#[derive(Serialize, Deserialize)]
pub(crate) struct Session {
    /// The server the token came from, and the only one it is sent to.
    pub(crate) server: String,
    pub(crate) token: Token,
}

/// Where the session of one profile is kept.
pub(crate) struct Profile {
    name: String,
}

impl Profile {
    /// The profile of this name, or the one used unless told otherwise.
    pub(crate) fn new(name: Option<&str>) -> Result<Self> {
        let name = name.unwrap_or(DEFAULT);
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !name.chars().all(fits) {
            return Err(Failure::usage(format!(
                "the profile \"{name}\" is not made of letters, digits, - and _"
            )));
        }
        Ok(Self { name: name.to_owned() })
    }

    /// Whether it is the one used unless told otherwise.
    pub(crate) fn is_default(&self) -> bool {
        self.name == DEFAULT
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The session, if there is one.
    pub(crate) fn load(&self) -> Result<Option<Session>> {
        // Without a home there is nowhere a session could have been kept.
        let Ok(path) = self.path() else { return Ok(None) };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            // With XDG_CONFIG_HOME=/dev/null somebody says that he wants no such files.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(Failure::cannot(format!("read {}", path.display()), error)),
        };
        // The parser's own message quotes the line, and the line may be the token's.
        toml::from_str(&text).map(Some).map_err(|_| {
            Failure::cannot(format!("read {}", path.display()), "it is not a session")
                .hint("remove the file and log in again")
        })
    }

    /// Keeps a session in place of the one before: whole or not at all.
    pub(crate) fn save(&self, session: &Session) -> Result<()> {
        let path = self.path()?;
        let failed = |error: io::Error| Failure::cannot(format!("write {}", path.display()), error);
        let text = toml::to_string(session)
            .map_err(|_| Failure::cannot("keep the session", "it cannot be written as TOML"))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        create_private_folder(folder).map_err(failed)?;
        // A temporary file is its owner's alone from the start, and renaming keeps that.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Forgets the session.
    pub(crate) fn forget(&self) -> Result<()> {
        let path = self.path()?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::cannot(format!("remove {}", path.display()), error))
            }
            _ => Ok(()),
        }
    }

    fn path(&self) -> Result<PathBuf> {
        let folders = etcetera::choose_base_strategy()
            .map_err(|error| Failure::cannot("find the configuration folder", error).hint("set HOME"))?;
        Ok(folders.config_dir().join("chat-cli").join(format!("{}.toml", self.name)))
    }
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
