//! The code that the programs chat-server and chat-cli share.
//!
//! The two programs treat environment variables, password prompts, standard input, standard error and text from other
//! users in the same way, so that code is here. This crate has no other purpose, and its interface may change with every
//! version.

mod panic;
mod password;
mod printable;
mod stderr;
mod stdin;
mod variables;

pub use self::{
    panic::{panic_text, write_panics},
    password::ask_password,
    printable::printable,
    stderr::{print_usage, write_stderr},
    stdin::{read_line, read_text},
    variables::parse,
};
