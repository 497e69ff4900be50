//! Results and help go to standard output, everything else to standard error.
//!
//! This module prints all of it, except the prompt of a password: see [`chat_program::ask_password`].

use crate::failure::{Failure, FailureKind, Result};
use chat_program::{print_usage, printable, write_stderr};
use serde::Serialize;
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// The format of results.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Returns whether results are printed as JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result: `value` as JSON, or else `text`.
    ///
    /// An empty text prints nothing, not even a newline.
    pub(crate) fn result<T: Serialize + ?Sized>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<()> {
        let mut stdout = io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut stdout, value).map_err(io::Error::from)?;
            stdout.write_all(b"\n")?;
        } else {
            let text = text();
            if !text.is_empty() {
                writeln!(stdout, "{text}")?;
            }
        }
        Ok(stdout.flush()?)
    }

    /// Prints a note that is not part of the result.
    ///
    /// With `--json` it prints nothing.
    pub(crate) fn note(&self, text: &str) {
        if !self.json {
            print_line(text);
        }
    }
}

/// Prints a question to standard error, without a newline.
pub(crate) fn ask(question: &str) {
    let mut stderr = io::stderr().lock();
    // A failure to print the question is ignored. Only the answer decides whether to continue.
    let _ = write!(stderr, "{} ", printable(question)).and_then(|()| stderr.flush());
}

/// Prints the message and the hint of a failure, and returns its exit status.
pub(crate) fn failure(failure: &Failure) -> ExitCode {
    if failure.kind() != FailureKind::ClosedPipe {
        print_line(&format!("chat-cli: {}", failure.message()));
        if let Some(hint) = failure.hint() {
            print_line(&format!("hint: {hint}"));
        }
    }
    ExitCode::from(failure.kind().exit_status())
}

/// Prints help or a usage error, and returns its exit status.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    print_usage(error);
    if error.use_stderr() { ExitCode::from(FailureKind::Usage.exit_status()) } else { ExitCode::SUCCESS }
}

fn print_line(text: &str) {
    write_stderr(&format!("{}\n", printable(text)));
}
