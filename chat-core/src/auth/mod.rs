//! Passwords and tokens: how a user proves their identity.
//!
//! [`Chat`](crate::Chat) uses these modules itself. Use them directly to import users of another service, whose password
//! hashes [`password::from_django`] reads, or to look up a token in a store, which knows tokens by
//! [`token::hash`] alone.

mod argon2id;
pub mod password;
pub mod token;
