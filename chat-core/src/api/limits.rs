//! The numbers of the contract.

/// Longest text of a message, in code points, unless the server is configured otherwise.
pub const TEXT_MAX: usize = 250;
/// Longest username, in code points.
pub const USERNAME_MAX: usize = 150;
/// Shortest password a person may choose, in bytes.
pub const PASSWORD_MIN: usize = 8;
/// Longest password, in bytes.
pub const PASSWORD_MAX: usize = 1024;
/// Entries of a page when the request does not say.
pub const PAGE_DEFAULT: u64 = 100;
/// Entries of a page at most; a larger `limit` is lowered to this.
pub const PAGE_MAX: u64 = 250;
/// Largest request body, in bytes.
pub const BODY_MAX: usize = 64 * 1024;
/// Deepest nesting of a JSON body, in levels.
pub const JSON_DEPTH_MAX: usize = 128;
/// Longest text read as an integer, in code points.
pub const INTEGER_TEXT_MAX: usize = 1000;
/// Longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_MAX: usize = 255;
/// Longest name of a token, in code points.
pub const TOKEN_NAME_MAX: usize = 100;
/// Days a new token may be unused before it is void, unless the server is configured otherwise.
pub const TOKEN_TTL_DAYS: u64 = 90;
/// Live tokens of one user at most; the one unused for longest makes room for a new one.
pub const TOKENS_PER_USER: u32 = 100;
