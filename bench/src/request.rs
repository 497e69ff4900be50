//! The requests that are sent to the servers, and the sizes of their responses.

use clap::ValueEnum;
use http::Method;
use std::collections::HashMap;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum RequestKind {
    /// Send a message.
    Send,
    /// Send a message with an idempotency key.
    SendKeyed,
    /// Send a message in any thread.
    SendSpread,
    /// Read the oldest 50 messages of a thread that is read all the time.
    Page,
    /// Read the newest 50 messages of such a thread.
    Newest,
    /// Read 50 messages of any thread, from a position that differs each time.
    PageCold,
    /// Read the first 100 unread messages of a user with many.
    Unread,
    /// Read about 100 unread messages of that user, each time from another offset.
    UnreadCold,
    /// Read the first 100 threads of a user with many.
    Threads,
    /// Read about 100 threads of that user, from a position that differs each time.
    ThreadsCold,
    /// Mark an unread message as read.
    Mark,
    /// Log in.
    Login,
}

/// A request to send, independent of the server it is sent to.
#[derive(Debug)]
pub(crate) struct PlannedRequest {
    pub(crate) request_kind: RequestKind,
    pub(crate) method: Method,
    /// The path and query, relative to the base path.
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) idempotency_key: Option<String>,
    /// A JSON body.
    pub(crate) body: Option<String>,
}

/// The sizes of the chat server's responses.
///
/// The ceiling sends responses of the same size.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResponseSizes(HashMap<RequestKind, usize>);

impl ResponseSizes {
    pub(crate) fn set(&mut self, request_kind: RequestKind, bytes: usize) {
        self.0.insert(request_kind, bytes);
    }

    /// Returns the size of a response in bytes; 200 if it is not known.
    pub(crate) fn of(&self, request_kind: RequestKind) -> usize {
        self.0.get(&request_kind).copied().unwrap_or(200)
    }
}
