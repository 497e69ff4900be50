//! Signing in and out, and the tokens that stand for it.

use super::HandlerResult;
use crate::{
    call::{Call, Guard},
    http::{error::ApiError, response},
    throttle::Account,
};
use chat_core::{
    Chat,
    api::{
        Endpoint, FieldErrors, IssuedToken,
        endpoints::{DeleteToken, ListTokens, RevokeToken},
    },
    text,
};
use http::StatusCode;

/// For POST, and for GET as well: see the table.
pub(crate) async fn create<E: Endpoint>(mut call: Call<E>) -> HandlerResult
where
    E::Access: Guard,
{
    let payload = call.payload().await?;
    let fields = payload.fields()?;
    let mut errors = FieldErrors::new();
    let username = fields.credential("username", true, &mut errors).unwrap_or_default();
    let password = fields.credential("password", false, &mut errors).unwrap_or_default();
    let name = fields.optional_text("name", &mut errors);
    if let Some(Err(wrong)) = name.map(Chat::check_token_name) {
        errors.extend(wrong);
    }
    errors.into_result()?;
    let signed_in = match call.app.throttle.log_in(Account::Name(text::trim(username)), call.client()) {
        Ok(attempt) => attempt.settle(call.app.chat.sign_in_named(username, password, name).await),
        Err(throttled) => Err(throttled),
    };
    call.app.metrics.log_ins.count(&signed_in);
    Ok(response::json(StatusCode::OK, &IssuedToken { token: signed_in? }))
}

pub(crate) async fn delete(call: Call<DeleteToken>) -> HandlerResult {
    let session = call.caller.session.ok_or_else(ApiError::not_found)?;
    call.app.chat.sign_out(session).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}

pub(crate) async fn list(call: Call<ListTokens>) -> HandlerResult {
    let session = call.caller.session.ok_or_else(ApiError::not_found)?;
    Ok(response::json(StatusCode::OK, &call.app.chat.own_tokens(session).await?))
}

pub(crate) async fn revoke(call: Call<RevokeToken>) -> HandlerResult {
    call.app.chat.revoke_token(call.caller.user, call.id).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}
