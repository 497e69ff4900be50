//! The HTTP contract, shared by server, client and documents.
//!
//! It has ids, wire types, limits, error shapes and the [table of endpoints](endpoints). Nothing here needs a database
//! or a runtime.
//!
//! The wire types have public fields and are exhaustive: server, client and tests construct them field by field. A new
//! field changes the contract, so server, client and tests have to be adapted. Fields are written in the order of their
//! declaration.
//!
//! ```
//! use chat_core::api::{SendMessage, ThreadId};
//!
//! let thread: ThreadId = "3cff18f1-d049-43f3-9c69-fcc8948f66f6".parse()?;
//! let body = SendMessage { thread, text: "Hello!".to_owned(), is_read: None };
//! let json = serde_json::to_string(&body)?;
//! assert_eq!(json, r#"{"thread":"3cff18f1-d049-43f3-9c69-fcc8948f66f6","text":"Hello!"}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod endpoints;
mod errors;
mod ids;
pub mod limits;
mod pages;
pub(crate) mod redacted;
mod thread_position;
mod timestamp;
mod token;
mod types;

pub use endpoints::Endpoint;
pub use errors::{Detail, FieldErrors, NON_FIELD_ERRORS, detail_text, error_text};
pub use ids::{MessageId, ParseIdError, ThreadId, TokenId, UserId};
pub use pages::{MessageCursor, Page, ThreadCursor, UnreadQuery, UserQuery, Window};
pub use thread_position::ThreadPosition;
pub use timestamp::{ParseTimestampError, Timestamp};
pub use token::Token;
pub use types::{
    Credentials, EditMessage, IssuedToken, MarkRead, Marked, Message, OpenThread, Opened, Participants,
    PasswordChange, Root, SendMessage, SignIn, Thread, ThreadDetail, TokenInfo, User,
};

/// The request header that makes sending a message safe to repeat.
///
/// Its value has 1 to [`limits::IDEMPOTENCY_KEY_MAX`] visible ASCII characters. A sender chooses another value for each
/// message.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The response header that marks a repeated result, with the value `true`.
///
/// The response repeats the result of an earlier request with the same idempotency key.
pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";
/// The response header with the id of the request in the server's log.
pub const REQUEST_ID: &str = "x-request-id";
