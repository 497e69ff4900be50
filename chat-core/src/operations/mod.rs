//! The operations of [`Chat`](crate::Chat), one file for each kind of object.

mod accounts;
mod change;
mod lists;
mod messages;
mod run_to_completion;
mod sessions;
mod threads;

pub use accounts::{AvailableUsername, VerifiedPassword};
pub use messages::{Draft, Edit};
pub use sessions::Session;
