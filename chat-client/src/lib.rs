//! A typed client of a chat server: every endpoint is a method, lists are streams, and a message is sent once however
//! often it has to be tried.
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
//! What has options is a builder that is awaited; what fails is an [`Error`] that answers questions:
//!
//! ```no_run
//! # async fn example(client: chat_client::Client, thread: chat_client::ThreadId) {
//! match client.send(thread, "").await {
//!     Ok(message) => println!("sent as {}", message.id),
//!     Err(error) if error.is_unauthorized() => println!("sign in first"),
//!     Err(error) => match error.field_errors() {
//!         Some(fields) => println!("text: {}", fields.get("text").join(" ")),
//!         None => println!("{error}"),
//!     },
//! }
//! # }
//! ```
//!
//! It needs a Tokio runtime. It knows nothing of how a server keeps its messages; to have a chat inside a program,
//! without HTTP, use `chat-core`.

#![forbid(unsafe_code)]

mod accounts;
mod builder;
mod call;
mod client;
mod error;
mod messages;
mod pages;
mod response;
mod retry;
mod send;
mod service;
mod thread_messages;
mod threads;
mod unread;
mod users;

pub use accounts::SigningIn;
pub use builder::ClientBuilder;
pub use chat_core::api::{
    FieldErrors, Marked, Message, MessageId, Page, ParseIdError, Participants, Root, Thread, ThreadDetail,
    ThreadId, Timestamp, Token, TokenId, TokenInfo, User, UserId, limits,
};
pub use client::Client;
pub use error::Error;
pub use http::StatusCode;
pub use messages::{Edit, Messages};
pub use pages::{CursorPage, Entries};
pub use retry::RetryPolicy;
pub use send::Sending;
pub use thread_messages::ThreadMessages;
pub use threads::{MarkThread, OpenedThread, Threads};
pub use unread::Unread;
pub use users::Users;
