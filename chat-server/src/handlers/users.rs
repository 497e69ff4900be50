//! Users.

use super::HandlerResult;
use crate::{
    call::Call,
    http::{error::ApiError, pages, response},
    input::Fields,
    throttle::Account,
};
use chat_core::{
    api::{
        FieldErrors,
        endpoints::{ChangePassword, CreateUser, GetMe, GetUser, ListUsers},
    },
    auth::password,
};
use http::StatusCode;

pub(crate) async fn list(call: Call<ListUsers>) -> HandlerResult {
    let slice = pages::slice(&call.query);
    let users = call.app.chat.users(call.query.get("search").unwrap_or_default(), slice).await?;
    let json = serde_json::to_vec(&users.items).map_err(ApiError::fault)?;
    Ok(pages::page(&call.request_url(), &call.query, slice, users.count, &json))
}

pub(crate) async fn create(mut call: Call<CreateUser>) -> HandlerResult {
    if !call.app.open_registration {
        return Err(ApiError::registration_closed());
    }
    let payload = call.payload().await?;
    let fields = payload.fields()?;
    let chat = &call.app.chat;
    let mut errors = FieldErrors::new();
    let username = fields.text("username", &mut errors).unwrap_or_default();
    // Before anybody is told whether the name is taken.
    call.app.throttle.registration(username, call.client())?;
    if errors.is_empty() {
        errors.extend(chat.check_username(username).await?.err().unwrap_or_default());
    }
    let password = new_password(&fields, "password", &mut errors);
    errors.into_result()?;
    let user = chat.register(username, password).await?;
    Ok(response::json(StatusCode::CREATED, &user))
}

/// A password that somebody chooses.
fn new_password<'f>(fields: &'f Fields<'_>, name: &str, errors: &mut FieldErrors) -> &'f str {
    let password = fields.credential(name, false, errors);
    if let Some(Err(wrong)) = password.map(|password| password::check(name, password)) {
        errors.extend(wrong);
    }
    password.unwrap_or_default()
}

pub(crate) async fn me(call: Call<GetMe>) -> HandlerResult {
    Ok(response::json(StatusCode::OK, &call.app.chat.user(call.caller.user).await?))
}

pub(crate) async fn get(call: Call<GetUser>) -> HandlerResult {
    Ok(response::json(StatusCode::OK, &call.app.chat.user(call.id).await?))
}

pub(crate) async fn change_password(mut call: Call<ChangePassword>) -> HandlerResult {
    let payload = call.payload().await?;
    let fields = payload.fields()?;
    let mut errors = FieldErrors::new();
    let current = fields.credential("current", false, &mut errors);
    // Beside a current one that can be read, the chat judges the new one, so that the errors of both are told.
    let new = match current {
        Some(_) => fields.credential("new", false, &mut errors).unwrap_or_default(),
        None => new_password(&fields, "new", &mut errors),
    };
    errors.into_result()?;
    let current = current.unwrap_or_default();
    let session = call.caller.session.ok_or_else(ApiError::not_found)?;
    let attempt = call.app.throttle.log_in(Account::Id(call.caller.user), call.client())?;
    attempt.settle(call.app.chat.change_password(session, current, new).await)?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}
