//! Signing in and out, and the tokens of a user.

use super::HandlerResult;
use crate::{
    call::{Call, Guard},
    http::{error::ApiError, response},
    input::{SignInFields, join3},
    throttle::Account,
};
use chat_core::{
    api::{
        Endpoint, IssuedToken, SignIn,
        endpoints::{DeleteToken, ListTokens, RevokeToken},
    },
    text::{self, TokenName},
};
use http::StatusCode;

/// Signs in. The endpoint table has two endpoints for it: a POST, and a GET with a body.
pub(crate) async fn create<E>(mut call: Call<E>) -> HandlerResult
where
    E: Endpoint<Body = SignIn>,
    E::Access: Guard,
{
    let body = call.body().await?;
    let SignInFields { username, password, name } = body.fields()?;
    let name = name.and_then_some(|name| TokenName::try_from(&*name));
    let (username, password, name) = join3(username, password, name)?;
    let signed_in = match call.app.throttle.sign_in(Account::Name(text::trim(&username)), call.client()) {
        Ok(attempt) => {
            let result = call.app.chat.sign_in_named(&username, &password, name).await;
            attempt.settle(&result).and_then(|()| Ok(result?))
        }
        Err(throttled) => Err(throttled),
    };
    call.app.metrics.sign_ins.count(&signed_in);
    Ok(response::json(StatusCode::OK, &IssuedToken { token: signed_in? })?)
}

pub(crate) async fn delete(call: Call<DeleteToken>) -> HandlerResult {
    let session = call.caller.session.ok_or_else(ApiError::not_found)?;
    call.app.chat.sign_out(session).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}

pub(crate) async fn list(call: Call<ListTokens>) -> HandlerResult {
    let session = call.caller.session.ok_or_else(ApiError::not_found)?;
    Ok(response::json(StatusCode::OK, &call.app.chat.own_tokens(session).await?)?)
}

pub(crate) async fn revoke(call: Call<RevokeToken>) -> HandlerResult {
    call.app.chat.revoke_token(call.caller.user, call.id).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}
