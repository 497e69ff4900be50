//! Passwords and tokens, with which users authenticate.
//!
//! [`Chat`](crate::Chat) uses these modules itself. An application can also use them directly. To import users of
//! another service, read their password hashes with [`password::from_django`]. To look up a token in a store, compute
//! its [`token::hash`], because a store holds only the hashes of tokens.

mod argon2id;
pub mod password;
pub mod token;
