//! Signing in and out.

use super::Answer;
use crate::{
    error::ApiError,
    request::{Call, Guard},
    response,
};
use chat_core::api::{Endpoint, FieldErrors, IssuedToken, endpoints::DeleteToken};
use http::StatusCode;

/// For POST, and for GET as well: see the table.
pub(crate) async fn create<E: Endpoint>(mut call: Call<E>) -> Answer
where
    E::Access: Guard,
{
    let payload = call.payload().await?;
    let fields = payload.fields()?;
    let mut errors = FieldErrors::new();
    let username = fields.credential("username", true, &mut errors).unwrap_or_default();
    let password = fields.credential("password", false, &mut errors).unwrap_or_default();
    errors.into_result()?;
    let token = call.app.chat.sign_in(username, password).await?;
    Ok(response::json(StatusCode::OK, &IssuedToken { token }))
}

pub(crate) async fn delete(call: Call<DeleteToken>) -> Answer {
    let session = call.caller.session.ok_or_else(ApiError::not_found)?;
    call.app.chat.sign_out(session).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}
