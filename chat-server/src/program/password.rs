//! Reads a password from standard input or from the terminal.

use super::failure::{Usage, hinted};
use anyhow::{Context, Result, bail};
use chat_core::api::limits;
use std::io::{self, BufRead};

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
        let password = if self.password_stdin { first_line(io::stdin().lock())? } else { ask(username)? };
        // An administrator may set a shorter password than users may choose. But a password with which sign-in always
        // fails is refused.
        if password.is_empty() || password.contains('\0') || password.len() > limits::PASSWORD_MAX {
            bail!("not a password: give 1 to {} bytes without U+0000", limits::PASSWORD_MAX);
        }
        Ok(password)
    }
}

/// Reads the first line, without its end.
fn first_line(source: impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    source.take(MAX_LINE_BYTES).read_until(b'\n', &mut line).context("cannot read standard input")?;
    let line = line.strip_suffix(b"\n").map_or(&*line, |line| line.strip_suffix(b"\r").unwrap_or(line));
    String::from_utf8(line.to_vec()).ok().context("the password on standard input is not UTF-8")
}

fn ask(username: &str) -> Result<String> {
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt).map_err(|_| {
            hinted(Usage("there is no terminal to ask for the password".to_owned()), "give --password-stdin")
        })
    };
    let password = ask(&format!("Password for {username}: "))?;
    if ask("Repeat the password: ")? != password {
        bail!("the passwords differ; nothing was changed");
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_password_is_the_first_line_without_its_end() {
        for (given, password) in [
            ("1234\n", "1234"),
            ("1234\r\n", "1234"),
            ("1234", "1234"),
            (" a b \nc\n", " a b "),
            ("1\r", "1\r"),
        ] {
            assert_eq!(super::first_line(given.as_bytes()).unwrap(), password, "{given:?}");
        }
    }
}
