//! What people and administrators do, from beginning to end, on both databases.

mod administration;
mod command_line;
mod concurrency;
mod documentation;
mod end_of_service;
mod examples;
mod import;
mod long_thread;
mod readme;
mod restart;
mod secrecy;
mod startup;
mod two_users;
