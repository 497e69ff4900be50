//! The only place that prints: results to standard output, everything else to standard error.

use crate::{
    failure::{Failure, Kind, Result},
    table::printable,
};
use serde::Serialize;
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// How results are printed.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether results are for programs.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result: as JSON for programs, as `text` for people. Prints no line at all for an empty text.
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

    /// Tells people something that is no result. Programs are not interested.
    pub(crate) fn note(&self, text: &str) {
        if !self.json {
            complain(text);
        }
    }
}

/// Asks for something on standard error, the cursor staying behind the question.
pub(crate) fn ask(question: &str) {
    let mut stderr = io::stderr().lock();
    // Whoever cannot see the question will not answer it either.
    let _ = write!(stderr, "{} ", printable(question)).and_then(|()| stderr.flush());
}

/// Prints what went wrong and gives the exit status for it.
pub(crate) fn failure(failure: &Failure) -> ExitCode {
    if failure.kind != Kind::ClosedPipe {
        complain(&format!("chat-cli: {}", failure.message));
        if let Some(hint) = &failure.hint {
            complain(&format!("hint: {hint}"));
        }
    }
    ExitCode::from(failure.kind.exit_status())
}

/// Prints help, or what is wrong with the command line, and gives the exit status for it.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Help goes to standard output: that nobody reads to its end is no error.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(Kind::Usage.exit_status()) } else { ExitCode::SUCCESS }
}

fn complain(text: &str) {
    // With standard error gone there is nowhere left to say so.
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}
