//! The endpoints: each looks up, reads, asks the chat, and writes the answer.

pub(crate) mod messages;
pub(crate) mod root;
pub(crate) mod threads;
pub(crate) mod token;
pub(crate) mod users;

use crate::http::{error::ApiError, response::Body};
use http::Response;

/// The result of every handler.
type HandlerResult = Result<Response<Body>, ApiError>;
