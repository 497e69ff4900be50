//! A typed client of the HTTP API of chat-server.
//!
//! Each endpoint is a method of [`Client`]. Lists are pages or streams, calls that fail temporarily are retried, and
//! retries of [`Client::send`] add only one message.
//!
//! ```no_run
//! use chat_client::{Client, UserId};
//! use futures_util::TryStreamExt;
//!
//! # async fn example() -> Result<(), chat_client::Error> {
//! let ann = Client::new("http://127.0.0.1:8000")?.sign_in("ann", "correct horse").await?;
//! let thread = ann.open_thread(UserId::new(2)).await?;
//! let message = ann.send(thread.id, "Hello!").await?;
//! println!("{} at {}", message.text, message.created);
//!
//! let mut newest_first = ann.thread_messages(thread.id).stream_back();
//! while let Some(message) = newest_first.try_next().await? {
//!     println!("{}: {}", message.sender, message.text);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A call with options is a builder that is awaited, such as [`SendMessageBuilder`]. A failed call returns an
//! [`Error`], whose methods classify it:
//!
//! ```no_run
//! # async fn example(client: chat_client::Client, thread: chat_client::ThreadId) {
//! match client.send(thread, "").await {
//!     Ok(message) => println!("sent message {}", message.id),
//!     Err(error) if error.is_unauthorized() => println!("sign in first"),
//!     Err(error) => match error.field_errors() {
//!         Some(fields) => println!("text: {}", fields.get("text").join(" ")),
//!         None => println!("{}", chat_client::error_chain(&error)),
//!     },
//! }
//! # }
//! ```
//!
//! # Limits
//!
//! The client stores nothing and needs a server. For a chat inside a program, without HTTP, use `chat-core`. The server
//! does not push messages: poll [`Client::unread`] for new ones. The client is asynchronous and needs a Tokio runtime
//! with time and I/O enabled (`enable_all`). Outside a runtime every call fails with an error for which
//! [`is_builder`](Error::is_builder) returns true.

#![forbid(unsafe_code)]

mod accounts;
mod builder;
mod call;
mod client;
mod error;
mod messages;
mod pages;
mod proxy;
mod response;
mod retry;
mod retry_after;
mod send;
mod service;
mod thread_messages;
mod threads;
mod unread;
mod users;

pub use accounts::SignInBuilder;
pub use builder::ClientBuilder;
pub use chat_core::{
    api::{
        FieldErrors, Marked, Message, MessageId, Page, ParseIdError, Participants, Root, Thread,
        ThreadDetail, ThreadId, ThreadPosition, Timestamp, Token, TokenId, TokenInfo, User, UserId, limits,
    },
    error_chain,
};
pub use client::Client;
pub use error::Error;
pub use http::StatusCode;
pub use messages::{EditMessageBuilder, ListMessagesBuilder};
pub use pages::{CursorPage, EntryStream};
pub use retry::RetryPolicy;
pub use send::SendMessageBuilder;
pub use thread_messages::ListThreadMessagesBuilder;
pub use threads::{ListThreadsBuilder, MarkThreadReadBuilder, OpenedThread};
pub use unread::ListUnreadBuilder;
pub use users::ListUsersBuilder;

/// Compiles the example of the crate's README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
