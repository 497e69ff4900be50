//! The handlers, one for each endpoint.
//!
//! A handler looks up its object, reads the request, calls the chat, and creates the response. The permission rules are
//! in the chat and in [`chat_core::policy`]. Only the handler of registrations has a rule of its own: it refuses them
//! unless the service allows them.

pub(crate) mod messages;
pub(crate) mod root;
pub(crate) mod threads;
pub(crate) mod token;
pub(crate) mod users;

use crate::http::{error::ApiError, response::Body};
use http::Response;

/// The result of every handler.
type HandlerResult = Result<Response<Body>, ApiError>;
