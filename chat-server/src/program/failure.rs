//! The errors of commands: wrong usage, and errors with advice.

use super::advice;
use anyhow::Error;
use chat_core::Error as ChatError;
use chat_server::TlsError;
use std::{borrow::Cow, error::Error as StdError, fmt};

/// A command line that cannot be executed: exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// An error with advice on what to do next.
#[derive(Debug)]
struct Hinted {
    error: Error,
    hint: String,
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl StdError for Hinted {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

/// Adds advice to an error. The advice is printed last.
pub(super) fn hinted(error: impl Into<Error>, hint: impl Into<String>) -> Error {
    Hinted { error: error.into(), hint: hint.into() }.into()
}

/// Returns the advice that belongs to an error.
pub(super) fn hint(error: &Error) -> Option<Cow<'_, str>> {
    error.chain().find_map(|cause| {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            return Some(Cow::Borrowed(&*hinted.hint));
        }
        let of_chat = cause.downcast_ref().and_then(ChatError::hint);
        let of_tls = || cause.downcast_ref().and_then(TlsError::hint);
        let of_restore = || cause.downcast_ref().and_then(advice::of_restore_error);
        let of_open = || cause.downcast_ref().and_then(advice::of_open_error);
        let borrowed = of_chat.or_else(of_tls).map(Cow::Borrowed);
        borrowed.or_else(|| of_restore().or_else(of_open).map(Cow::Owned))
    })
}

/// Returns whether the error is wrong usage of the command.
pub(super) fn is_usage(error: &Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<Usage>() || cause.downcast_ref().is_some_and(|hinted: &Hinted| is_usage(&hinted.error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};
    use chat_core::error_chain;

    #[test]
    fn a_hint_is_found_below_the_context() {
        let error = Err::<(), _>(hinted(anyhow!("port in use"), "name another"))
            .context("cannot listen")
            .unwrap_err();
        assert_eq!(hint(&error).as_deref(), Some("name another"));
        assert_eq!(error_chain(&*error).to_string(), "cannot listen: port in use");
    }

    #[test]
    fn wrong_usage_is_recognised_with_a_hint() {
        assert!(is_usage(&hinted(Usage("no terminal".to_owned()), "give --password-stdin")));
        assert!(!is_usage(&hinted(anyhow!("port in use"), "name another")));
    }
}
