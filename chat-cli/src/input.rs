//! What is read rather than given as an argument: passwords, texts and the answer to "are you sure?".

use crate::{
    failure::{Failure, Kind, Result},
    output,
};
use std::io::{self, IsTerminal, Read};

/// A password: the first line of standard input, or asked for on the terminal without showing it.
pub(crate) fn password(from_stdin: bool) -> Result<String> {
    if from_stdin { password_line() } else { ask("Password: ") }
}

/// A password to be set, asked for twice, since nobody sees what he types.
pub(crate) fn new_password(from_stdin: bool) -> Result<String> {
    if from_stdin {
        return password_line();
    }
    let password = ask("New password: ")?;
    if ask("Again: ")? == password { Ok(password) } else { Err(Failure::usage("the two passwords differ")) }
}

fn password_line() -> Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(|error| Failure::cannot("read the password", error))?;
    if line.is_empty() {
        return Err(Failure::usage("there is no password on standard input"));
    }
    Ok(without_newline(line))
}

fn ask(prompt: &str) -> Result<String> {
    rpassword::prompt_password(prompt).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Failure::usage("no password was given"),
        _ => Failure::usage("there is no terminal to ask for the password on").hint("use --password-stdin"),
    })
}

/// A text as given, or standard input when it is `-`.
pub(crate) fn text(given: String) -> Result<String> {
    if given != "-" {
        return Ok(given);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|error| Failure::cannot("read the text", error))?;
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

/// Makes sure that something is to be deleted: `--yes`, or a yes on the terminal.
pub(crate) fn confirm(yes: bool, what: &str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(
            Failure::usage(format!("nobody is there to ask whether to delete {what}")).hint("use --yes")
        );
    }
    output::ask(&format!("Delete {what}? [y/N]"));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| Failure::cannot("read the answer", error))?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Kind::Failed, "nothing was deleted")),
    }
}

#[cfg(test)]
mod tests {
    use super::without_newline;

    #[test]
    fn one_newline_is_dropped_and_nothing_else() {
        for (read, kept) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a \n", " a "), ("a\r", "a\r")]
        {
            assert_eq!(without_newline(read.to_owned()), kept);
        }
    }
}
