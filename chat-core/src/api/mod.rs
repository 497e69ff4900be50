//! The HTTP contract, shared by server, client and documents: ids, wire types, limits, error shapes and the
//! [table of endpoints](endpoints). Nothing here needs a database or a runtime.

pub mod endpoints;
mod errors;
pub(crate) mod hidden;
mod ids;
pub mod limits;
mod pages;
mod timestamp;
mod token;
mod types;

pub use endpoints::Endpoint;
pub use errors::{Detail, FieldErrors, NON_FIELD_ERRORS, error_text};
pub use ids::{MessageId, ParseIdError, ThreadId, TokenId, UserId};
pub use pages::{MessageCursor, Page, ThreadCursor, UnreadQuery, UserQuery, Window};
pub use timestamp::{ParseTimestampError, Timestamp};
pub use token::Token;
pub use types::{
    Credentials, EditMessage, IssuedToken, MarkRead, Marked, Message, OpenThread, Opened, Participants,
    PasswordChange, Root, SendMessage, SignIn, Thread, ThreadDetail, TokenInfo, User,
};

/// The request header that makes sending a message safe to repeat: 1 to
/// [`limits::IDEMPOTENCY_KEY_MAX`] visible ASCII characters, unique per sender.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The response header, with the value `true`, of an answer that an earlier request had already earned.
pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";
/// The response header that names a request in the server's log.
pub const REQUEST_ID: &str = "x-request-id";
