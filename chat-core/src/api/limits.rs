//! The limits of the contract.

/// Longest text of a message, in code points.
///
/// The server can be configured with another limit.
pub const TEXT_MAX: usize = 250;
/// Longest username, in code points.
pub const USERNAME_MAX: usize = 150;
/// Largest id of a user or a message that can be chosen: 2⁶².
///
/// An import chooses the ids of users and messages. An embedding application chooses the ids of users. New ids continue
/// above the highest one. The largest id of the database is 2⁶³ − 1, so half of all ids stay free.
pub const ID_MAX: i64 = 1 << 62;
/// Shortest password that a user may choose, in code points.
pub const PASSWORD_MIN: usize = 8;
/// Longest password, in code points.
pub const PASSWORD_MAX: usize = 1024;
/// Entries of a page if the request has no `limit`.
pub const PAGE_DEFAULT: u64 = 100;
/// Maximum number of entries of a page; a larger `limit` is lowered to this.
pub const PAGE_MAX: u64 = 250;
/// Largest request body, in bytes.
pub const BODY_MAX: usize = 64 * 1024;
/// Deepest nesting of a JSON body, in levels.
pub const JSON_DEPTH_MAX: usize = 128;
/// Longest text that is read as an integer, in code points.
pub const INTEGER_TEXT_MAX: usize = 1000;
/// Longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_MAX: usize = 255;
/// Longest name of a token, in code points.
pub const TOKEN_NAME_MAX: usize = 100;
/// Days without use after which a new token expires.
///
/// The server can be configured with another number.
pub const TOKEN_TTL_DAYS: u64 = 90;
/// Maximum number of live tokens of one user.
///
/// A further token replaces the token that has not been used for the longest time.
pub const TOKENS_PER_USER: u32 = 100;
