//! One-to-one chat as a library: users, threads of exactly two participants, messages, read marks, unread lists.
//!
//! This crate is the chat without HTTP. It keeps its data in SQLite or Postgres, decides who may do what, and knows
//! nothing of requests and responses; `chat-server` serves it, `chat-client` calls that server. What those two share,
//! ids, wire types and the table of endpoints, is the module [`api`], which is all that remains without features.

pub mod api;

#[cfg(feature = "chat")]
mod accounts;
#[cfg(feature = "chat")]
mod chat;
#[cfg(feature = "chat")]
pub mod clock;
#[cfg(feature = "chat")]
mod error;
#[cfg(feature = "chat")]
mod messages;
#[cfg(feature = "chat")]
pub mod password;
#[cfg(feature = "chat")]
pub mod store;
#[cfg(feature = "chat")]
pub mod text;
#[cfg(feature = "chat")]
mod threads;
#[cfg(feature = "chat")]
pub mod token;

#[cfg(feature = "chat")]
pub use self::{
    accounts::Session,
    chat::{Chat, ChatBuilder},
    error::{Error, Resource},
    messages::{Draft, Edit},
    threads::OpenedThread,
};
