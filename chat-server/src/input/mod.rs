//! Request bodies: how they are received, and what is made of them.
//!
//! Clients of the service we succeed send numbers as text, forms instead of JSON, and much else; the modules here read
//! all that Django REST Framework reads and complain in its words.

mod body;
mod fields;
mod form;
mod json;
pub(crate) mod number;

pub(crate) use body::{Payload, RequestBody};
pub(crate) use fields::Fields;
use fields::Value;
