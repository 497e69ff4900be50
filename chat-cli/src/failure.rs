//! What can go wrong, and the exit status it ends with.

use std::{error::Error as _, fmt, io};

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// A command that did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// What happened, one line.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

/// The kinds that scripts can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nobody reads the output any more, which is his good right.
    ClosedPipe,
    Failed,
    Usage,
    NotFound,
    NotAllowed,
    Rejected,
    OutOfReach,
    /// Something answers, and it is no chat server.
    Stranger,
}

impl Kind {
    pub(crate) const fn exit_status(self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Failed | Self::Stranger => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::NotAllowed => 4,
            Self::Rejected => 5,
            Self::OutOfReach => 7,
        }
    }

    fn of(error: &chat_client::Error) -> Self {
        if error.is_usage() {
            Self::Usage
        } else if error.is_not_found() || names_nothing(error) {
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
            Self::OutOfReach
        } else if error.is_decode() || error.status().is_some_and(|status| status.is_redirection()) {
            Self::Stranger
        } else {
            Self::Failed
        }
    }
}

/// Whether the server's only complaint is that an id in the body is nobody's: for a person that is as good as a 404.
fn names_nothing(error: &chat_client::Error) -> bool {
    error.field_errors().is_some_and(|fields| {
        fields
            .iter()
            .flat_map(|(_, messages)| messages)
            .all(|message| message.ends_with("object does not exist."))
    })
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Something of the machine's that did not work: `what` reads on after "cannot".
    pub(crate) fn cannot(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self::new(Kind::Failed, format!("cannot {what}: {why}"))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells which server was asked, where that may be the mistake.
    pub(crate) fn at(self, server: &str) -> Self {
        if matches!(self.kind, Kind::OutOfReach | Kind::Stranger) && self.hint.is_none() {
            self.hint(format!("the server asked is {server}; --server or CHAT_SERVER_URL names another"))
        } else {
            self
        }
    }
}

impl From<chat_client::Error> for Failure {
    fn from(error: chat_client::Error) -> Self {
        let mut message = error.to_string();
        // Of a chain of causes the last says what the machine found: "Connection refused".
        let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
        if let Some(cause) = causes.next().map(|first| causes.last().unwrap_or(first)) {
            message = format!("{message}: {cause}");
        }
        if error.is_outcome_unknown()
            && let Some(id) = error.request_id()
        {
            message = format!("{message} (request {id})");
        }
        let failure = Self::new(Kind::of(&error), message);
        if error.is_unauthorized() {
            failure.hint("the token is not valid here: run chat-cli login")
        } else if let Some(wait) = error.retry_after() {
            failure.hint(format!("try again in {} seconds", wait.as_secs()))
        } else {
            failure
        }
    }
}

/// From writing the output alone: every other failure of the machine's says what was tried.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Kind::ClosedPipe, "nobody reads the output"),
            _ => Self::cannot("write the output", error),
        }
    }
}
