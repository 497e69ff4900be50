//! End-to-end stories of users and administrators, on both databases.

mod administration;
mod architecture;
mod backups;
mod command_line;
mod concurrency;
pub(crate) mod doctor;
mod documentation;
mod end_of_service;
mod examples;
mod import;
mod log_ins;
mod long_thread;
mod metrics;
mod readme;
mod restart;
mod secrecy;
mod security;
mod startup;
mod two_servers;
mod two_users;
