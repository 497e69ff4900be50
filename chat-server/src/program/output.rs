//! The only module of the program that prints.

use super::NOT_UNDERSTOOD;
use anyhow::{Context, Result};
use chat_core::error_chain;
use chat_program::{print_usage, printable, read_line};
use serde::Serialize;
use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

/// Maximum length of an answer to [`ask`], in bytes.
const MAX_ANSWER_BYTES: u64 = 1024;

/// Prints one line of a result, or several lines in one text.
///
/// A value in it must not contain a newline: escape it with [`printable`] first.
pub(super) fn line(text: &str) -> Result<()> {
    let lines: Vec<_> = text.split('\n').map(|line| printable(line).to_string()).collect();
    write(io::stdout().lock(), &lines.join("\n"))
}

/// Prints a result as JSON.
pub(super) fn json(value: &impl Serialize) -> Result<()> {
    write(io::stdout().lock(), &serde_json::to_string(value)?)
}

/// Asks a question on standard error, and reads the answer from standard input.
///
/// So standard output has only results.
pub(super) fn ask(question: &str) -> Result<String> {
    let mut terminal = io::stderr().lock();
    write!(terminal, "{} ", printable(question))?;
    terminal.flush()?;
    let answer = read_line(MAX_ANSWER_BYTES).context("cannot read the answer")?;
    Ok(answer.unwrap_or_default().trim().to_owned())
}

/// Writes the failure of a command as one line.
///
/// The hint comes last.
pub(super) fn failure(to: impl Write, error: &anyhow::Error, hint: Option<&str>) {
    let mut text = format!("chat-server: {}", error_chain(&**error));
    if let Some(hint) = hint {
        text.push_str("; ");
        text.push_str(hint);
    }
    // If standard error is closed, there is no other place to report it.
    let _ = write(to, &printable(&text).to_string());
}

/// Prints the help or a usage error, and returns its exit status.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    print_usage(error);
    if error.use_stderr() { ExitCode::from(NOT_UNDERSTOOD) } else { ExitCode::SUCCESS }
}

/// A JSON array that is printed while its items are still being fetched.
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

    /// Prints the end of the array.
    pub(super) fn end(self) -> Result<()> {
        write(io::stdout().lock(), if self.started { "]" } else { "[]" })
    }
}

/// The error of a write to standard output after its reader has closed it.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
struct Closed;

/// Returns whether a command ended because the reader closed its output.
///
/// An example is `chat-server user list | head`.
pub(super) fn is_closed(error: &anyhow::Error) -> bool {
    error.is::<Closed>()
}

fn write(mut to: impl Write, text: &str) -> Result<()> {
    // One write, so that lines of other threads are not written in between.
    match to.write_all(format!("{text}\n").as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Closed.into()),
        written => written.context("cannot write the result"),
    }
}
