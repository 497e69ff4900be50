//! Outputs that programs and engineers read, compared with golden files.
//!
//! See [`chat_tests::golden`].

mod help;
mod layout;
mod sql;
mod wire;
