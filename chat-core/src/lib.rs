//! One-to-one chat as a library.
//!
//! It has users, threads of two participants, messages, read marks and lists of unread messages.
//!
//! This crate is the chat without HTTP. It stores its data in SQLite or Postgres and checks what each user may do.
//! `chat-server` serves it over HTTP, and `chat-client` calls that server. Both use the module [`api`]: ids, wire types
//! and the table of endpoints.
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
//! - [`policy`]: the rules of who may do what.
//!
//! # Runtime
//!
//! The host has to provide a Tokio runtime:
//!
//! - The runtime has time enabled, and on Postgres I/O too (`enable_all`). Otherwise Tokio panics.
//! - The runtime lasts as long as the chat, and is driven all the time. A multi-thread runtime always is. A
//!   current-thread runtime is driven while its thread is in `block_on`. The calls that `store::GroupCommit` batches,
//!   such as every send, run in tasks of the runtime in which the chat was opened. If that runtime is not driven, such
//!   a call from another runtime waits until it is.
//! - Call every method of `Chat`, and poll its futures, within a runtime. They may be dropped anywhere.
//!
//! Outside a runtime, and after the runtime in which the chat was opened has ended, calls that need it fail with
//! `Error::Fault`. Its source names the runtime as the reason. If Tokio's clock is paused, timeouts and the expiry of
//! cache entries follow the paused clock.
//!
//! # Database
//!
//! The chat needs a database of its own, or on Postgres a schema of its own: see `Chat::open`.
//!
//! # Compiler settings
//!
//! The compiler settings of this workspace do not apply to a dependent crate. Two of them matter:
//!
//! - Hashing a password is slow without optimisation: set `opt-level = 3` for `argon2` and `blake2` under
//!   `[profile.dev.package]`.
//! - By default SQLite is compiled with locks that all connections share. `.cargo/config.toml` of this workspace has
//!   the compiler flags that remove these locks.
//!
//! # Errors
//!
//! The text of an error does not repeat its source: [`error_chain`](error_chain()) displays an error with its causes.
//! `Error::hint` returns what to do about an error, if there is advice.
//!
//! # Features
//!
//! | Feature | Default | What it adds |
//! |---|---|---|
//! | `sqlite` | yes | `store::sql` on SQLite |
//! | `postgres` | yes | `store::sql` on Postgres |
//! | `sql` | by both | the code that both databases share; not useful alone |
//! | `chat` | by both | the chat without a database, for a custom `Store` |
//! | `conformance` | no | `store::conformance`, the test cases for a custom `Store` |
//! | `schema` | no | JSON Schemas of the wire types |
//!
//! Without any feature the crate has the modules [`api`], [`clock`] and [`policy`] and the function
//! [`error_chain`](error_chain()).

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod api;

#[cfg(feature = "chat")]
pub mod auth;
#[cfg(feature = "chat")]
mod cache;
#[cfg(feature = "chat")]
mod chat;
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
mod runtime;
#[cfg(feature = "chat")]
pub mod store;
#[cfg(feature = "chat")]
pub mod text;

pub use self::error_chain::error_chain;
#[cfg(feature = "chat")]
pub use self::{
    chat::{Chat, ChatBuilder},
    error::{Error, Resource},
    operations::{AvailableUsername, Draft, Edit, Session, VerifiedPassword},
    store::OpenedThread,
};
