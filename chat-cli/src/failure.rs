//! The failure of a command: its message, its hint and its exit status.

use chat_client::error_chain;
use std::{error::Error, fmt, io};

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// The reason why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: FailureKind,
    message: String,
    hint: Option<String>,
}

/// The kinds of failure, each with its exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The program that reads the output closed the pipe, as `head` does.
    ///
    /// This is not an error.
    ClosedPipe,
    Failed,
    Usage,
    /// An object that the path or the body names does not exist.
    NotFound,
    NotAllowed,
    Rejected,
    Unavailable,
    /// The response is not that of a chat server.
    ///
    /// This is also the kind if the response is too long, or if the server does not have this endpoint.
    NotChatServer,
}

impl FailureKind {
    pub(crate) const fn exit_status(self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Failed | Self::NotChatServer => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::NotAllowed => 4,
            Self::Rejected => 5,
            Self::Unavailable => 7,
        }
    }

    fn of(error: &chat_client::Error) -> Self {
        if error.is_builder() {
            // With a source, the cause is on this machine, such as missing certificates. Without one, an argument is
            // wrong.
            if error.source().is_none() { Self::Usage } else { Self::Failed }
        } else if error.is_not_found() || error.is_unknown_id() {
            Self::NotFound
        } else if error.is_unauthorized() || error.is_forbidden() {
            Self::NotAllowed
        } else if error.is_invalid() || error.is_conflict() {
            Self::Rejected
        } else if error.is_connect()
            || error.is_timeout()
            || error.is_interrupted()
            || error.is_unavailable()
            || error.is_throttled()
        {
            Self::Unavailable
        } else if error.is_decode() || error.status().is_some_and(|status| status.is_redirection()) {
            Self::NotChatServer
        } else {
            Self::Failed
        }
    }
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, message)
    }

    /// Returns the failure of a local operation.
    ///
    /// Its message is "cannot {operation}: {error with its causes}".
    pub(crate) fn cannot(operation: impl fmt::Display, error: &(dyn Error + 'static)) -> Self {
        Self::new(FailureKind::Failed, format!("cannot {operation}: {}", error_chain(error)))
    }

    /// Sets the hint: what the user can do, in the imperative.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names what gave the wrong value: the option and its variable, or the session.
    pub(crate) fn given_by(mut self, option: &str) -> Self {
        self.message = format!("{} (given by {option})", self.message);
        self
    }

    /// Adds a hint to check the address of the server, if it may be the cause.
    ///
    /// An existing hint is kept.
    pub(crate) fn with_server(self, server: &str) -> Self {
        let may_be_cause = matches!(self.kind, FailureKind::Unavailable | FailureKind::NotChatServer);
        if may_be_cause && self.hint.is_none() {
            self.with_hint(format!(
                "check that {server} is the right server; --server or CHAT_SERVER_URL sets another"
            ))
        } else {
            self
        }
    }

    pub(crate) fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Returns what failed and why, in one line, without the hint.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns what the user can do about it.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl From<chat_client::Error> for Failure {
    fn from(error: chat_client::Error) -> Self {
        let mut message = error_chain(&error).to_string();
        if error.is_outcome_unknown()
            && let Some(id) = error.request_id()
        {
            message = format!("{message} (request {id})");
        }
        let failure = Self::new(FailureKind::of(&error), message);
        if error.is_unauthorized() {
            failure.with_hint("sign in again with chat-cli login")
        } else if let Some(wait) = error.retry_after() {
            failure.with_hint(format!("try again in {} seconds", wait.as_secs()))
        } else if let Some(hint) = error.hint() {
            failure.with_hint(hint)
        } else {
            failure
        }
    }
}

/// Converts an error that occurred while writing the output.
///
/// Other local errors use [`Failure::cannot`].
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(FailureKind::ClosedPipe, "the output was closed"),
            _ => Self::cannot("write the output", &error),
        }
    }
}
