//! Input that is not an argument: passwords, texts and confirmations.

use crate::{
    failure::{Failure, FailureKind, Result},
    output,
};
use chat_client::limits;
use chat_program::{ask_password, read_line, read_text};
use std::io::{self, ErrorKind, IsTerminal};

/// Maximum length of a line on standard input, in bytes.
///
/// The limit of a password is far lower.
const MAX_LINE_BYTES: u64 = 64 * 1024;
/// Maximum length of a text on standard input, in bytes.
///
/// It is the maximum length of the body of a request.
const MAX_TEXT_BYTES: u64 = limits::BODY_MAX as u64;

/// Reads a password from the next line of standard input or from the terminal.
///
/// The terminal does not show it.
pub(crate) fn password(from_stdin: bool) -> Result<String> {
    if from_stdin { password_line() } else { ask("Password: ") }
}

/// Reads a new password.
///
/// On the terminal it asks twice, since the password is not shown.
pub(crate) fn new_password(from_stdin: bool) -> Result<String> {
    if from_stdin {
        return password_line();
    }
    let password = ask("New password: ")?;
    if ask("Repeat new password: ")? == password {
        Ok(password)
    } else {
        Err(Failure::usage("the two passwords differ").with_hint("run the command again"))
    }
}

fn password_line() -> Result<String> {
    match read_line(MAX_LINE_BYTES) {
        Ok(Some(line)) => Ok(line),
        Ok(None) => {
            Err(Failure::usage("no password on standard input").with_hint("write it there as one line"))
        }
        Err(error) => Err(cannot_read("the password", &error)),
    }
}

fn ask(prompt: &str) -> Result<String> {
    ask_password(prompt).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => {
            Failure::usage("no password was entered").with_hint("run the command again")
        }
        ErrorKind::InvalidData | ErrorKind::FileTooLarge => cannot_read("the password", &error),
        _ => Failure::usage("no terminal to ask for the password").with_hint("use --password-stdin"),
    })
}

/// Returns the text of an argument, or standard input if the argument is `-`.
pub(crate) fn text(given: String) -> Result<String> {
    if given != "-" {
        return Ok(given);
    }
    read_text(MAX_TEXT_BYTES).map_err(|error| cannot_read("the text", &error))
}

/// Returns the failure to read `what` from standard input or the terminal.
///
/// Input that is too long has the exit status of a text that the server rejects.
fn cannot_read(what: &str, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::FileTooLarge => {
            Failure::new(FailureKind::Rejected, format!("{what} was not read: {error}"))
        }
        _ => Failure::cannot(format!("read {what}"), error),
    }
}

/// Asks on the terminal whether to delete `what`, unless `--yes` was given.
pub(crate) fn confirm(yes: bool, what: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!("no terminal to confirm the deletion of {what}"))
            .with_hint("use --yes to delete without confirmation"));
    }
    output::ask(&format!("Delete {what}? [y/N]"));
    let answer = read_line(MAX_LINE_BYTES).map_err(|error| cannot_read("the confirmation", &error))?;
    match answer.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(FailureKind::Failed, "not confirmed; nothing was deleted")),
    }
}
