//! The root of the API.

use super::HandlerResult;
use crate::{call::Call, http::response};
use chat_core::api::{
    Endpoint, Root,
    endpoints::{GetRoot, ListMessages, ListThreads},
};
use http::StatusCode;

pub(crate) async fn get(call: Call<GetRoot>) -> HandlerResult {
    let root =
        Root { threads: call.url(ListThreads::SPEC.path), messages: call.url(ListMessages::SPEC.path) };
    Ok(response::json(StatusCode::OK, &root)?)
}
