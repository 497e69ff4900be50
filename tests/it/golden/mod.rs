//! Outputs that programs and engineers read, compared with files that are checked in: see [`chat_tests::golden`].

mod help;
mod layout;
mod sql;
mod wire;
