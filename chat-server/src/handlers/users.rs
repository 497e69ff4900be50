//! Users and their passwords.

use super::HandlerResult;
use crate::{
    call::Call,
    http::{error::ApiError, pages, response},
    input::{CredentialsFields, Field, PasswordChangeFields, join2},
    throttle::Account,
};
use chat_core::{
    Error,
    api::{
        UserQuery,
        endpoints::{ChangePassword, CreateUser, GetMe, GetUser, ListUsers},
    },
    auth::password,
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
    let CredentialsFields { mut username, password } = body.fields()?;
    // Limited before the response can reveal whether the name is taken.
    let name = username.value().map_or("", Cow::as_ref);
    call.app.throttle.registration(name, call.client())?;
    if let Some(name) = username.value() {
        let checked = chat.check_username(name).await;
        match checked {
            Ok(_) => {}
            Err(Error::Invalid(errors)) => username = username.refuse(errors),
            Err(error) => return Err(error.into()),
        }
    }
    let (username, password) = join2(username, check_new_password(password))?;
    let user = chat.register(&username, &password).await?;
    Ok(response::json(StatusCode::CREATED, &user)?)
}

/// Checks the length of a password that a user chooses.
fn check_new_password(field: Field<Cow<'_, str>>) -> Field<Cow<'_, str>> {
    field.check(|name, password| password::check(name, password))
}

pub(crate) async fn me(call: Call<GetMe>) -> HandlerResult {
    Ok(response::json(StatusCode::OK, &call.app.chat.user(call.caller.user).await?)?)
}

pub(crate) async fn get(call: Call<GetUser>) -> HandlerResult {
    Ok(response::json(StatusCode::OK, &call.app.chat.user(call.id).await?)?)
}

pub(crate) async fn change_password(mut call: Call<ChangePassword>) -> HandlerResult {
    let body = call.body().await?;
    let PasswordChangeFields { current, new } = body.fields()?;
    // The chat checks the new password together with the current one, so that the response has the errors of both. If
    // the current one cannot be read, the new one is checked here.
    let new = if current.is_valid() { new } else { check_new_password(new) };
    let (current, new) = join2(current, new)?;
    let session = call.caller.session.ok_or_else(ApiError::not_found)?;
    let attempt = call.app.throttle.sign_in(Account::Id(call.caller.user), call.client())?;
    attempt.settle(call.app.chat.change_password(session, &current, &new).await)?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}
