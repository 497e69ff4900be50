//! Where to start.

use super::Answer;
use crate::{request::Call, response};
use chat_core::api::{
    Endpoint, Root,
    endpoints::{GetRoot, ListMessages, ListThreads},
};
use http::StatusCode;

pub(crate) async fn get(call: Call<GetRoot>) -> Answer {
    let address = |path| call.address(&format!("{}{path}", call.app.base()));
    let root = Root { threads: address(ListThreads::SPEC.path), messages: address(ListMessages::SPEC.path) };
    Ok(response::json(StatusCode::OK, &root))
}
