//! The operations of [`Chat`](crate::Chat), a file for each kind of thing.

mod accounts;
mod lists;
mod messages;
mod run_to_completion;
mod sessions;
mod threads;

pub use lists::{JsonPage, JsonSlice};
pub use messages::{Draft, Edit};
pub use sessions::Session;
