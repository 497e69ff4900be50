//! Messages.

use super::HandlerResult;
use crate::{
    call::Call,
    http::{
        error::ApiError,
        pages,
        response::{self, Body},
    },
    input::{Fields, number},
};
use bytes::Bytes;
use chat_core::{
    Chat, Draft, Edit, Error, Resource,
    api::{
        FieldErrors, IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, Message, ThreadId, UserId,
        endpoints::{
            CreateMessage, DeleteMessage, GetMessage, ListMessages, ListUnread, MarkMessageRead,
            UpdateMessage,
        },
        error_text, limits,
    },
    text::MessageText,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

pub(crate) async fn list(call: Call<ListMessages>) -> HandlerResult {
    let slice = pages::slice(&call.query);
    let list = call.app.chat.messages_json(call.caller.user, slice).await?;
    Ok(pages::page(&call.request_url(), &call.query, slice, list.count, &list.json))
}

pub(crate) async fn unread(call: Call<ListUnread>) -> HandlerResult {
    let slice = pages::slice(&call.query);
    let incoming = call.query.get("incoming").and_then(number::boolean_text).unwrap_or(false);
    let list = call.app.chat.unread_json(call.caller.user, incoming, slice).await?;
    Ok(pages::page(&call.request_url(), &call.query, slice, list.count, &list.json))
}

pub(crate) async fn create(mut call: Call<CreateMessage>) -> HandlerResult {
    let payload = call.payload().await?;
    let (chat, caller) = (&call.app.chat, call.caller.user);
    let fields = payload.fields()?;
    let mut errors = FieldErrors::new();
    let thread = fields.thread_id("thread", &mut errors);
    let text = text(&fields, chat, &mut errors);
    let is_read = fields.boolean("is_read", &mut errors);

    let (Some((thread, spelling)), Some(text), true) = (thread, text, errors.is_empty()) else {
        // The thread's error, which stands first, needs a look.
        return Err(all_errors(chat, caller, thread, errors).await?.into());
    };
    let key = idempotency_key(&call.request.head.headers);
    if key.is_err() {
        require_thread(chat, caller, thread, spelling).await?;
    }
    let draft = Draft { thread, text, is_read: is_read.unwrap_or(false), idempotency_key: key? };
    let sent = match chat.send_draft(caller, draft).await {
        Err(Error::NotFound(Resource::Thread)) => return Err(no_such_thread(spelling).into()),
        sent => sent?,
    };
    let mut response = answer(StatusCode::CREATED, &sent.message);
    if sent.replayed {
        let name = HeaderName::from_static(IDEMPOTENCY_REPLAYED);
        response.headers_mut().insert(name, HeaderValue::from_static("true"));
    }
    Ok(response)
}

pub(crate) async fn get(call: Call<GetMessage>) -> HandlerResult {
    Ok(answer(StatusCode::OK, &call.app.chat.message(call.caller.user, call.id).await?))
}

pub(crate) async fn update(mut call: Call<UpdateMessage>) -> HandlerResult {
    let (chat, caller, id) = (call.app.chat.clone(), call.caller.user, call.id);
    let message = chat.message(caller, id).await?;
    let payload = call.payload().await?;
    let fields = payload.fields()?;
    let has_text = fields.get("text").is_some();
    if has_text && message.sender != caller {
        return Err(Error::Forbidden.into());
    }

    let mut errors = FieldErrors::new();
    if fields.get("thread").is_some()
        && let Some((thread, spelling)) = fields.thread_id("thread", &mut errors)
        && thread != message.thread
    {
        match require_thread(&chat, caller, thread, spelling).await {
            Ok(()) => errors.push("thread", error_text::CANNOT_BE_MOVED),
            Err(Error::Invalid(wrong)) => errors.extend(wrong),
            Err(error) => return Err(error.into()),
        }
    }
    let text = if has_text { text(&fields, &chat, &mut errors) } else { None };
    let is_read = fields.boolean("is_read", &mut errors);
    errors.into_result()?;
    let message = chat.edit_message(caller, id, Edit { text, is_read }).await?;
    Ok(answer(StatusCode::OK, &message))
}

pub(crate) async fn delete(call: Call<DeleteMessage>) -> HandlerResult {
    call.app.chat.delete_message(call.caller.user, call.id).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}

pub(crate) async fn mark_read(call: Call<MarkMessageRead>) -> HandlerResult {
    let message = call.app.chat.mark_message_read(call.caller.user, call.id).await?;
    Ok(answer(StatusCode::OK, &message))
}

fn answer(status: StatusCode, message: &Message) -> Response<Body> {
    response::with_json(status, Bytes::from(message.to_json()).into())
}

/// The text of a message, checked.
fn text(fields: &Fields<'_>, chat: &Chat, errors: &mut FieldErrors) -> Option<MessageText> {
    let text = fields.text("text", errors)?;
    chat.text(text).map_err(|wrong| errors.extend(wrong)).ok()
}

/// Adds to the errors of a request that of its thread, if it names one the caller does not have.
async fn all_errors(
    chat: &Chat,
    caller: UserId,
    thread: Option<(ThreadId, &str)>,
    errors: FieldErrors,
) -> Result<FieldErrors, Error> {
    let Some((thread, spelling)) = thread else { return Ok(errors) };
    match require_thread(chat, caller, thread, spelling).await {
        Err(Error::Invalid(mut first)) => {
            first.extend(errors);
            Ok(first)
        }
        result => result.map(|()| errors),
    }
}

/// Refuses a thread that is not there or not the caller's, in the words for a field.
async fn require_thread(chat: &Chat, caller: UserId, thread: ThreadId, spelling: &str) -> Result<(), Error> {
    match chat.thread(caller, thread).await {
        Err(Error::NotFound(_)) => Err(no_such_thread(spelling).into()),
        result => result.map(drop),
    }
}

fn no_such_thread(spelling: &str) -> FieldErrors {
    FieldErrors::one("thread", error_text::no_such_pk(spelling))
}

const KEY: HeaderName = HeaderName::from_static(IDEMPOTENCY_KEY);

/// The request's idempotency key, if it has one.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(key) = headers.get(KEY) else { return Ok(None) };
    let valid = (1..=limits::IDEMPOTENCY_KEY_MAX).contains(&key.len())
        && key.as_bytes().iter().all(u8::is_ascii_graphic);
    match key.to_str() {
        Ok(key) if valid => Ok(Some(key.to_owned())),
        _ => Err(ApiError::bad_request("Invalid Idempotency-Key header.")),
    }
}
