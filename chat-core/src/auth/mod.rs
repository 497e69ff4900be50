//! Passwords and tokens: what a user proves who they are with.

mod argon2id;
pub mod password;
pub mod token;
