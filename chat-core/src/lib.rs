//! One-to-one chat as a library: users, threads of two participants, messages, read marks and unread lists.
//!
//! This crate is the chat without HTTP. It stores its data in SQLite or Postgres and decides who may do what;
//! `chat-server` serves it and `chat-client` calls that server. The module [`api`] holds what both share: ids, wire types
//! and the table of endpoints. It is all that remains without features.
//!
//! It is not a framework for chat: there are no groups, no attachments, no presence and no push. Clients poll.
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use chat_core::{Chat, api::UserId, store::MessageRange};
//!
//! let chat = Chat::open("sqlite::memory:").await?;
//!
//! // The application has its own users; the chat only gets their ids and names.
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
//! # Modules
//!
//! - `Chat`: every operation, with its rules. Start here.
//! - `store`: the trait `Store` and its implementations in `store::sql`. An application with its own database
//!   implements the trait, and tests the implementation with the cases of `store::conformance`.
//! - `auth`: passwords and tokens. `text`: checked texts. `clock`: the source of time. `json`: pages as JSON.
//! - [`api`]: the HTTP contract.
//!
//! # Runtime
//!
//! The caller has to provide a Tokio runtime with time enabled (`enable_time` or `enable_all`), and on Postgres with I/O
//! enabled. Every method of `Chat` has to be called within it: some spawn tasks and use the blocking pool. With a paused
//! clock, time-outs and cache expiry follow that clock.
//!
//! # Database
//!
//! The chat needs a database of its own, or on Postgres a schema of its own: see `Chat::open`.
//!
//! # Compiler settings
//!
//! The compiler settings of this workspace do not apply to a dependent crate. Two of them matter:
//!
//! - Without optimisation it takes long to hash a password: set `opt-level = 3` for `argon2` and `blake2` under
//!   `[profile.dev.package]`.
//! - By default SQLite is compiled with locks that all its connections share: the flags against that are in
//!   `.cargo/config.toml` of this workspace.
//!
//! # Errors
//!
//! The text of an error does not repeat its source: [`error_chain`](error_chain()) displays an error with its causes.
//! `Error::hint` returns advice where there is some.
//!
//! # Features
//!
//! | Feature | Default | What it adds |
//! |---|---|---|
//! | `sqlite` | yes | `store::sql` on SQLite |
//! | `postgres` | yes | `store::sql` on Postgres |
//! | `sql` | by both | what the two databases share; of no use alone |
//! | `chat` | by both | the chat without a database, for an own `Store` |
//! | `conformance` | no | `store::conformance`, the test cases for an own `Store` |
//! | `schema` | no | JSON Schemas of the wire types |
//!
//! Without any feature the crate is the module [`api`] and [`error_chain`](error_chain()).

#![cfg_attr(docsrs, feature(doc_cfg))]

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
pub mod json;
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
    operations::{Draft, Edit, Session},
    store::OpenedThread,
};
