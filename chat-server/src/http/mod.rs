//! The parts of HTTP that the endpoints share.
//!
//! They are requests, credentials, query strings, pages, responses, errors, CORS and health checks.

pub(crate) mod authenticate;
pub(crate) mod client_ip;
pub(crate) mod cors;
pub(crate) mod error;
pub(crate) mod forwarded;
pub(crate) mod health;
pub(crate) mod host;
pub(crate) mod ip_network;
pub(crate) mod pages;
pub(crate) mod public_url;
pub(crate) mod query;
pub(crate) mod request;
pub(crate) mod request_id;
pub(crate) mod response;
pub(crate) mod stream;
pub(crate) mod with_deadline;
