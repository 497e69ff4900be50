//! Where a password comes from: a line of standard input, or the terminal.

use super::Usage;
use anyhow::{Context, Result, bail};
use chat_core::api::limits;
use std::io::{self, BufRead};

/// How a command is given a password.
#[derive(Debug, clap::Args)]
pub(super) struct PasswordArgs {
    /// Read the password from standard input, one line; else it is asked for on the terminal.
    #[arg(long, env = "CHAT_PASSWORD_STDIN", value_parser = clap::builder::BoolishValueParser::new())]
    password_stdin: bool,
}

impl PasswordArgs {
    /// The password for `username`.
    pub(super) fn read(&self, username: &str) -> Result<String> {
        let password = if self.password_stdin { from(io::stdin().lock())? } else { ask(username)? };
        // Shorter ones than people may choose are the administrator's business; these could never sign in.
        if password.is_empty() || password.contains('\0') || password.len() > limits::PASSWORD_MAX {
            bail!("a password has 1 to {} bytes, and no U+0000 among them", limits::PASSWORD_MAX);
        }
        Ok(password)
    }
}

/// The first line, without its end.
fn from(source: impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    // Far more than a password may have: enough to tell that it is too long.
    source.take(64 * 1024).read_until(b'\n', &mut line).context("standard input cannot be read")?;
    let line = line.strip_suffix(b"\n").map_or(&*line, |line| line.strip_suffix(b"\r").unwrap_or(line));
    String::from_utf8(line.to_vec()).ok().context("the password on standard input is not UTF-8")
}

fn ask(username: &str) -> Result<String> {
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt).map_err(|_| {
            Usage("there is no terminal to ask for the password on; give --password-stdin".into())
        })
    };
    let password = ask(&format!("Password for {username}: "))?;
    if ask("The same again: ")? != password {
        bail!("the two passwords differ; nothing was changed");
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_line_without_its_end() {
        for (given, password) in [
            ("1234\n", "1234"),
            ("1234\r\n", "1234"),
            ("1234", "1234"),
            (" a b \nc\n", " a b "),
            ("1\r", "1\r"),
        ] {
            assert_eq!(super::from(given.as_bytes()).unwrap(), password, "{given:?}");
        }
    }
}
