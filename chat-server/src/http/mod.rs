//! HTTP without the chat's endpoints: requests, credentials, query strings, pages, responses and errors.

pub(crate) mod authenticate;
pub(crate) mod error;
pub(crate) mod pages;
pub(crate) mod query;
pub(crate) mod request;
pub(crate) mod request_id;
pub(crate) mod response;
pub(crate) mod stream;
