//! Users and their passwords.

use super::HandlerResult;
use crate::{
    call::Call,
    http::{error::ApiError, pages, response},
    input::{CredentialsFields, Field, PasswordChangeFields},
    throttle::Account,
};
use chat_core::{
    Error,
    api::{
        FieldErrors, UserQuery,
        endpoints::{ChangePassword, CreateUser, GetMe, GetUser, ListUsers},
    },
    auth::password::NewPassword,
};
use http::StatusCode;
use std::borrow::Cow;

pub(crate) async fn list(call: Call<ListUsers>) -> HandlerResult {
    let UserQuery { search, limit, offset } = call.query()?;
    let slice = pages::slice(limit, offset);
    let users = call.app.chat.users(search.as_deref().unwrap_or_default(), slice).await?;
    let json = serde_json::to_vec(&users.items)?;
    Ok(pages::page(&call.request_url(), &call.raw_query, slice, users.count, &json))
}

pub(crate) async fn create(mut call: Call<CreateUser>) -> HandlerResult {
    if !call.app.open_registration {
        return Err(ApiError::registration_closed());
    }
    let body = call.body().await?;
    let chat = &call.app.chat;
    let CredentialsFields { username, password } = body.fields()?;
    // Limited before the response can reveal whether the name is taken.
    let name = username.value().map_or("", Cow::as_ref);
    call.app.throttle.registration(name, call.client())?;
    let username = match username.into_result() {
        Ok(name) => Error::separate_invalid(chat.check_username(&name).await)?,
        Err(errors) => Err(errors),
    };
    let (username, password) = FieldErrors::both(username, new_password(password))?;
    let user = chat.register_checked(username, password).await?;
    Ok(response::json(StatusCode::CREATED, &user)?)
}

/// Checks the length of a password that a user chooses.
fn new_password(field: Field<Cow<'_, str>>) -> Result<NewPassword<'_>, FieldErrors> {
    let name = field.name();
    NewPassword::new(name, field.into_result()?)
}

pub(crate) async fn me(call: Call<GetMe>) -> HandlerResult {
    Ok(response::json(StatusCode::OK, &call.app.chat.user(call.caller.user).await?)?)
}

pub(crate) async fn get(call: Call<GetUser>) -> HandlerResult {
    Ok(response::json(StatusCode::OK, &call.app.chat.user(call.id).await?)?)
}

pub(crate) async fn change_password(mut call: Call<ChangePassword>) -> HandlerResult {
    let session = call.caller.session.ok_or_else(ApiError::not_found)?;
    let body = call.body().await?;
    let chat = &call.app.chat;
    let PasswordChangeFields { current, new } = body.fields()?;
    let verified = match current.into_result() {
        Ok(current) => {
            let attempt = call.app.throttle.sign_in(Account::Id(call.caller.user), call.client())?;
            let verified = chat.verify_password(session, &current).await;
            attempt.settle(&verified)?;
            Error::separate_invalid(verified)?
        }
        Err(errors) => Err(errors),
    };
    let (verified, new) = FieldErrors::both(verified, new_password(new))?;
    chat.replace_password(verified, new).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}
