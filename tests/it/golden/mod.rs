//! What programs and other engineers read, held to files that are checked in: see [`chat_tests::golden`].

mod help;
mod layout;
mod sql;
mod wire;
