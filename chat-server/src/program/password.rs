//! Reads a password from standard input or from the terminal.

use super::failure::{Usage, hinted};
use anyhow::{Context, Result, anyhow, bail};
use chat_core::api::limits;
use chat_program::{ask_password, printable, read_line};
use std::io::ErrorKind;

/// Maximum number of bytes that are read from standard input.
///
/// It is far above the maximum length of a password. So a password that is too long is detected, and not cut.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// The option of the commands that need a password.
#[derive(Debug, clap::Args)]
pub(super) struct PasswordArgs {
    /// Read the password from the first line of standard input, instead of asking on the terminal.
    #[arg(long, env = "CHAT_PASSWORD_STDIN", value_parser = clap::builder::BoolishValueParser::new())]
    password_stdin: bool,
}

impl PasswordArgs {
    /// Reads the password for `username`.
    pub(super) fn read(&self, username: &str) -> Result<String> {
        let password = if self.password_stdin { first_line()? } else { ask(username)? };
        // An administrator may set a shorter password than users may choose. But a password with which sign-in always
        // fails is refused.
        if password.is_empty() || password.contains('\0') || password.chars().count() > limits::PASSWORD_MAX {
            bail!("not a password: give 1 to {} characters without U+0000", limits::PASSWORD_MAX);
        }
        Ok(password)
    }
}

/// Reads the first line of standard input, without its end.
fn first_line() -> Result<String> {
    let line = read_line(MAX_LINE_BYTES).context("cannot read the password from standard input")?;
    Ok(line.unwrap_or_default())
}

fn ask(username: &str) -> Result<String> {
    let ask = |prompt: &str| {
        ask_password(prompt).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => anyhow!("no password was entered; nothing was changed"),
            ErrorKind::InvalidData | ErrorKind::FileTooLarge => {
                anyhow::Error::from(error).context("cannot read the password")
            }
            _ => hinted(
                Usage("there is no terminal to ask for the password".to_owned()),
                "give --password-stdin",
            ),
        })
    };
    let password = ask(&format!("Password for {}: ", printable(username)))?;
    if ask("Repeat the password: ")? != password {
        bail!("the passwords differ; nothing was changed");
    }
    Ok(password)
}
