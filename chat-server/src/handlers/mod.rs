//! The endpoints: each looks up, reads, asks the chat, and writes the answer.

pub(crate) mod messages;
pub(crate) mod root;
pub(crate) mod threads;
pub(crate) mod token;
pub(crate) mod users;

use crate::{error::ApiError, response::Body};
use http::Response;

/// What every handler answers.
type Answer = Result<Response<Body>, ApiError>;
