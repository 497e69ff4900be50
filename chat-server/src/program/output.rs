//! The only module that prints.

use anyhow::{Context, Result};
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// Prints one line of a result, or several in one text.
pub(super) fn line(text: &str) -> Result<()> {
    write(io::stdout().lock(), &visible(text, true))
}

/// Prints a result for programs.
pub(super) fn json(value: &impl Serialize) -> Result<()> {
    write(io::stdout().lock(), &serde_json::to_string(value)?)
}

/// Asks for an answer on standard error, so that results stay apart.
pub(super) fn ask(question: &str) -> Result<String> {
    let mut terminal = io::stderr().lock();
    write!(terminal, "{question} ")?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// Says in one line on standard error why the command failed, and what may help.
pub(super) fn failure(error: &anyhow::Error, hint: Option<&str>) {
    let mut text = format!("chat-server: {error}");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many an error's text has that of its cause in it.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    if let Some(hint) = hint {
        text.push_str("; ");
        text.push_str(hint);
    }
    // When this cannot be written there is nobody to tell.
    let _ = write(io::stderr().lock(), &visible(&text, false));
}

/// A JSON array printed while its items are still being fetched.
#[derive(Debug, Default)]
pub(super) struct Array {
    started: bool,
}

impl Array {
    /// Prints the next item.
    pub(super) fn item(&mut self, item: &impl Serialize) -> Result<()> {
        let before = if std::mem::replace(&mut self.started, true) { ',' } else { '[' };
        write(io::stdout().lock(), &format!("{before}{}", serde_json::to_string(item)?))
    }

    /// Prints the end.
    pub(super) fn end(self) -> Result<()> {
        write(io::stdout().lock(), if self.started { "]" } else { "[]" })
    }
}

/// Nobody reads what is printed any more.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output has gone")]
struct Unread;

/// Whether this is the end of a command whose reader has seen enough, as in `chat-server user list | head`.
pub(super) fn is_unread(error: &anyhow::Error) -> bool {
    error.is::<Unread>()
}

fn write(mut to: impl Write, text: &str) -> Result<()> {
    match writeln!(to, "{text}").and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Unread.into()),
        written => written.context("writing the result failed"),
    }
}

/// Without control characters, which names from elsewhere may hold and a terminal would obey. A failure is one line,
/// whatever a driver says.
fn visible(text: &str, several_lines: bool) -> String {
    let shown = |c: char| !c.is_control() || (c == '\n' && several_lines);
    text.chars().map(|c| if shown(c) { c } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_terminal_obeys_no_name() {
        assert_eq!(super::visible("a\u{1b}[2J\nb", true), "a [2J\nb");
        assert_eq!(super::visible("a\nb", false), "a b");
    }
}
