//! End-to-end tests of users and administrators, most of them on both databases.
//!
//! Also tests of the documents: README.md, ARCHITECTURE.md and SECURITY.md; and of the imports between source files.

mod administration;
mod architecture;
mod backups;
mod command_line;
mod concurrency;
pub(crate) mod doctor;
mod doctor_lists;
mod documentation;
mod examples;
mod import;
mod imports;
mod long_thread;
mod metrics;
mod readme;
mod restart;
mod secrecy;
mod security;
mod sign_ins;
mod startup;
#[cfg(target_os = "linux")]
mod terminal;
mod two_servers;
mod two_users;
