//! One-to-one chat as a library.

pub mod api;
#[cfg(feature = "chat")]
pub mod store;
