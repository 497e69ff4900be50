//! Input that is not an argument: passwords, texts and confirmations.

use crate::{
    failure::{Failure, FailureKind, Result},
    output,
};
use std::io::{self, IsTerminal, Read};

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
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(|error| Failure::cannot("read the password", &error))?;
    if line.is_empty() {
        return Err(Failure::usage("no password on standard input").with_hint("write it there as one line"));
    }
    Ok(without_newline(line))
}

fn ask(prompt: &str) -> Result<String> {
    rpassword::prompt_password(prompt).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Failure::usage("no password was entered").with_hint("run the command again")
        }
        _ => Failure::usage("no terminal to ask for the password").with_hint("use --password-stdin"),
    })
}

/// Returns the text of an argument, or standard input if the argument is `-`.
pub(crate) fn text(given: String) -> Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|error| Failure::cannot("read the text", &error))?;
    Ok(without_newline(text))
}

fn without_newline(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
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
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| Failure::cannot("read the confirmation", &error))?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(FailureKind::Failed, "not confirmed; nothing was deleted")),
    }
}

#[cfg(test)]
mod tests {
    use super::without_newline;

    #[test]
    fn only_one_final_newline_is_removed() {
        for (read, kept) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a \n", " a "), ("a\r", "a\r")]
        {
            assert_eq!(without_newline(read.to_owned()), kept);
        }
    }
}
