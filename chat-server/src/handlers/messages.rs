//! Messages.

use super::HandlerResult;
use crate::{
    call::Call,
    http::{
        error::ApiError,
        pages,
        response::{self, Body},
    },
    input::{EditMessageFields, SendMessageFields, Spelled, join3},
};
use bytes::Bytes;
use chat_core::{
    Chat, Draft, Edit, Error, Resource,
    api::{
        FieldErrors, IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, Message, ThreadId, UnreadQuery, UserId, Window,
        endpoints::{
            CreateMessage, DeleteMessage, GetMessage, ListMessages, ListUnread, MarkMessageRead,
            UpdateMessage,
        },
        error_text, limits,
    },
    json as message_json, policy,
    store::UnreadFilter,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

pub(crate) async fn list(call: Call<ListMessages>) -> HandlerResult {
    let Window { limit, offset } = call.query()?;
    let slice = pages::slice(limit, offset);
    let list = call.app.chat.messages_json(call.caller.user, slice).await?;
    Ok(pages::page(&call.request_url(), &call.raw_query, slice, list.count, &list.json))
}

pub(crate) async fn unread(call: Call<ListUnread>) -> HandlerResult {
    let UnreadQuery { incoming, after, limit, offset } = call.query()?;
    let slice = pages::slice(limit, offset);
    let filter = if incoming == Some(true) { UnreadFilter::Incoming } else { UnreadFilter::All };
    if let Some(after) = after {
        let page = call.app.chat.unread_after_json(call.caller.user, filter, after, slice.limit).await?;
        let (url, query) = (call.request_url(), &call.raw_query);
        return Ok(pages::page_after(&url, query, slice.limit, page.next, page.count, &page.json));
    }
    let list = call.app.chat.unread_json(call.caller.user, filter, slice).await?;
    Ok(pages::page(&call.request_url(), &call.raw_query, slice, list.count, &list.json))
}

pub(crate) async fn create(mut call: Call<CreateMessage>) -> HandlerResult {
    let body = call.body().await?;
    let (chat, caller) = (&call.app.chat, call.caller.user);
    let SendMessageFields { mut thread, text, is_read } = body.fields()?;
    let text = text.and_then(|text| chat.text(&text));
    let key = idempotency_key(&call.request.head.headers);
    // Sending checks whether the thread exists. But nothing is sent if another part of the request is invalid, so the
    // thread is then checked here. Its error comes before the other errors.
    if !(text.is_valid() && is_read.is_valid() && key.is_ok())
        && let Some(named) = thread.value()
        && let Some(error) = thread_error(chat, caller, named).await?
    {
        thread = thread.refuse(error);
    }
    let (thread, text, is_read) = join3(thread, text, is_read)?;
    let mut draft = Draft::new(thread.value, text).with_is_read(is_read.unwrap_or(false));
    draft.idempotency_key = key?;
    let sent = match chat.send_draft(caller, draft).await {
        Err(Error::NotFound(Resource::Thread)) => return Err(thread.no_such_object().into()),
        sent => sent?,
    };
    let mut response = json(StatusCode::CREATED, &sent.message);
    if sent.replayed {
        let name = HeaderName::from_static(IDEMPOTENCY_REPLAYED);
        response.headers_mut().insert(name, HeaderValue::from_static("true"));
    }
    Ok(response)
}

pub(crate) async fn get(call: Call<GetMessage>) -> HandlerResult {
    Ok(json(StatusCode::OK, &call.app.chat.message(call.caller.user, call.id).await?))
}

pub(crate) async fn update(mut call: Call<UpdateMessage>) -> HandlerResult {
    let message = call.app.chat.message(call.caller.user, call.id).await?;
    let body = call.body().await?;
    let (chat, caller, id) = (&call.app.chat, call.caller.user, call.id);
    let EditMessageFields { mut thread, text, is_read } = body.fields()?;
    // Only this permission depends on the body. It is checked before the values.
    if text.is_present() && !policy::can_edit_text(&message, caller) {
        return Err(Error::Forbidden.into());
    }
    if let Some(Some(named)) = thread.value()
        && !policy::can_put_into(&message, named.value)
    {
        let cannot_be_moved = || named.error(error_text::CANNOT_BE_MOVED);
        let error = thread_error(chat, caller, named).await?.unwrap_or_else(cannot_be_moved);
        thread = thread.refuse(error);
    }
    let text = text.and_then_some(|text| chat.text(&text));
    let (_, text, is_read) = join3(thread, text, is_read)?;
    let mut edit = Edit::new();
    (edit.text, edit.is_read) = (text, is_read);
    let message = chat.edit_message(caller, id, edit).await?;
    Ok(json(StatusCode::OK, &message))
}

pub(crate) async fn delete(call: Call<DeleteMessage>) -> HandlerResult {
    call.app.chat.delete_message(call.caller.user, call.id).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}

pub(crate) async fn mark_read(call: Call<MarkMessageRead>) -> HandlerResult {
    let message = call.app.chat.mark_message_read(call.caller.user, call.id).await?;
    Ok(json(StatusCode::OK, &message))
}

fn json(status: StatusCode, message: &Message) -> Response<Body> {
    response::with_json(status, Bytes::from(message_json::to_string(message)).into())
}

/// Returns the error of a thread field; `None` if the caller can read the thread.
///
/// The error is the same for a thread that does not exist.
async fn thread_error(
    chat: &Chat,
    caller: UserId,
    named: &Spelled<'_, ThreadId>,
) -> Result<Option<FieldErrors>, Error> {
    match chat.thread(caller, named.value).await {
        Ok(_) => Ok(None),
        Err(Error::NotFound(_)) => Ok(Some(named.no_such_object())),
        Err(error) => Err(error),
    }
}

const KEY: HeaderName = HeaderName::from_static(IDEMPOTENCY_KEY);

/// Returns the idempotency key of a request, if it has one.
///
/// # Errors
/// 400 if the key is not 1 to 255 visible ASCII characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(key) = headers.get(KEY) else { return Ok(None) };
    let valid = (1..=limits::IDEMPOTENCY_KEY_MAX).contains(&key.len())
        && key.as_bytes().iter().all(u8::is_ascii_graphic);
    match key.to_str() {
        Ok(key) if valid => Ok(Some(key.to_owned())),
        _ => Err(ApiError::bad_request("Invalid Idempotency-Key header.")),
    }
}
