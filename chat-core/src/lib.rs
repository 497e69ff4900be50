//! One-to-one chat as a library: users, threads of exactly two participants, messages, read marks, unread lists.
//!
//! This crate is the chat without HTTP. It keeps its data in SQLite or Postgres, decides who may do what, and knows
//! nothing of requests and responses; `chat-server` serves it, `chat-client` calls that server. What those two share,
//! ids, wire types and the table of endpoints, is the module [`api`], which is all that remains without features.
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use chat_core::{Chat, api::UserId, store::MessageRange};
//!
//! let chat = Chat::open("sqlite::memory:").await?;
//!
//! // Your application knows its users already; the chat is told their ids and names.
//! let (ann, bob) = (UserId::new(1), UserId::new(2));
//! chat.ensure_user(ann, "ann").await?;
//! chat.ensure_user(bob, "bob").await?;
//!
//! let thread = chat.open_thread(ann, bob).await?;
//! chat.send(ann, thread.id, "Hello, Bob!").await?;
//!
//! let messages = chat.thread_messages(bob, thread.id, MessageRange::Oldest, 50).await?;
//! assert_eq!(messages[0].text, "Hello, Bob!");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # In a program of your own
//!
//! It needs a Tokio runtime, and a database of its own, or a schema on Postgres: see `Chat::open`. A store of your own
//! is possible too: the trait `store::Store`, held to its promises by the cases of `store::conformance`.
//!
//! What this workspace sets for the compiler does not come along with the crate. Without optimisation it takes long to
//! hash a password: set `opt-level = 3` for `argon2` and `blake2` under `[profile.dev.package]`. And as it is compiled by
//! default, SQLite takes locks that all its connections share: the flags against that stand in this workspace's
//! `.cargo/config.toml`.
//!
//! # Features
//!
//! `sqlite` and `postgres`, both on by default, are the databases. `chat` is the chat without either, for stores of your
//! own, `conformance` the cases they have to pass, `schema` JSON Schemas of the wire types. Without any the crate is the
//! module [`api`] alone.

pub mod api;

#[cfg(feature = "chat")]
pub mod auth;
#[cfg(feature = "chat")]
mod cache;
#[cfg(feature = "chat")]
mod chat;
#[cfg(feature = "chat")]
pub mod clock;
#[cfg(feature = "chat")]
mod error;
mod error_chain;
#[cfg(feature = "chat")]
pub mod histogram;
#[cfg(feature = "chat")]
mod operations;
pub mod policy;
#[cfg(feature = "chat")]
pub mod store;
#[cfg(feature = "chat")]
pub mod text;

pub use self::error_chain::error_chain;
#[cfg(feature = "chat")]
pub use self::{
    chat::{Chat, ChatBuilder},
    error::{Error, Resource},
    operations::{Draft, Edit, JsonPage, JsonSlice, Session},
    store::OpenedThread,
};
