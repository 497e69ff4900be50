//! Threads.

use super::HandlerResult;
use crate::{
    call::Call,
    http::{
        error::ApiError,
        pages::{self, next_link},
        response::{self, Body},
        stream,
    },
    input::number,
};
use chat_core::{
    Chat, Error,
    api::{
        FieldErrors, Marked, Message, MessageId, Opened, Thread, ThreadId, UserId,
        endpoints::{CreateThread, DeleteThread, GetThread, ListThreadMessages, ListThreads, MarkThreadRead},
        error_text,
    },
    store::MessageRange,
};
use http::{HeaderValue, Response, StatusCode, header};

pub(crate) async fn list(call: Call<ListThreads>) -> HandlerResult {
    let (chat, caller) = (&call.app.chat, call.caller.user);
    let cursor = call.query.get("after");
    let after =
        cursor.map(|cursor| cursor.parse::<ThreadId>().map_err(|_| bad_cursor("after"))).transpose()?;

    let Some(limit) = pages::cursor_limit(&call.query, after.is_some()) else {
        let chat = chat.clone();
        let rows = move |last: Option<Thread>| {
            let chat = chat.clone();
            async move { chat.threads(caller, last.map(|thread| thread.id), stream::ROWS).await }
        };
        return stream::array(rows).await;
    };
    let page = chat.threads_json(caller, after, limit).await?;
    let link = page.next.and_then(|last| next_link(&call.request_url(), &call.query, limit, ("after", last)));
    Ok(with_link(response::with_json(StatusCode::OK, page.json.into()), link))
}

pub(crate) async fn create(mut call: Call<CreateThread>) -> HandlerResult {
    let payload = call.payload().await?;
    let fields = payload.fields()?;
    let mut errors = FieldErrors::new();
    let participant = fields.integer("participant", &mut errors);
    errors.into_result()?;
    let Some(participant) = participant.filter(|participant| participant.is_positive()) else {
        return Err(ApiError::bad_request("A participant ID must be a positive int"));
    };
    let with = UserId::new(participant.saturating());
    let opened = match call.app.chat.open_thread(call.caller.user, with).await {
        // Told in the caller's own number, which may have been larger than any id.
        Err(Error::Invalid(_)) if with.get() == i64::MAX => {
            return Err(FieldErrors::one("participant", error_text::no_such_pk(participant)).into());
        }
        opened => opened?,
    };
    let status = if opened.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(response::json(status, &Opened { id: opened.id }))
}

pub(crate) async fn get(call: Call<GetThread>) -> HandlerResult {
    Ok(response::json(StatusCode::OK, &call.app.chat.thread(call.caller.user, call.id).await?))
}

pub(crate) async fn delete(call: Call<DeleteThread>) -> HandlerResult {
    call.app.chat.delete_thread(call.caller.user, call.id).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}

pub(crate) async fn messages(call: Call<ListThreadMessages>) -> HandlerResult {
    let (chat, caller, thread) = (&call.app.chat, call.caller.user, call.id);
    // Whether there is such a thread is judged before the cursor is.
    let range = match message_range(&call) {
        Ok(range) => range,
        Err(error) => {
            chat.thread(caller, thread).await?;
            return Err(error);
        }
    };
    let Some(limit) = pages::cursor_limit(&call.query, range != MessageRange::Oldest) else {
        return all_messages(chat.clone(), caller, thread).await;
    };
    let page = chat.thread_messages_json(caller, thread, range, limit).await?;
    let towards = if matches!(range, MessageRange::Before(_)) { "before" } else { "after" };
    let link = page.next.and_then(|last| next_link(&call.request_url(), &call.query, limit, (towards, last)));
    Ok(with_link(response::with_json(StatusCode::OK, page.json.into()), link))
}

async fn all_messages(chat: Chat, caller: UserId, thread: ThreadId) -> HandlerResult {
    let rows = move |last: Option<Message>| {
        let chat = chat.clone();
        let range = last.map_or(MessageRange::Oldest, |last| MessageRange::After(last.id));
        async move { chat.thread_messages(caller, thread, range, stream::ROWS).await }
    };
    stream::array(rows).await
}

/// What the cursors ask for; `after` counts if both are given.
fn message_range(call: &Call<ListThreadMessages>) -> Result<MessageRange, ApiError> {
    let cursor = |name| {
        let id = call.query.get(name).map(|text| number::integer(text).ok_or_else(|| bad_cursor(name)));
        id.transpose().map(|id| id.map(|id| MessageId::new(id.saturating())))
    };
    Ok(match (cursor("after")?, cursor("before")?) {
        (Some(id), _) => MessageRange::After(id),
        (None, Some(id)) => MessageRange::Before(id),
        (None, None) => MessageRange::Oldest,
    })
}

pub(crate) async fn mark_read(mut call: Call<MarkThreadRead>) -> HandlerResult {
    let (chat, caller, thread) = (call.app.chat.clone(), call.caller.user, call.id);
    chat.thread(caller, thread).await?;
    let payload = call.payload().await?;
    let fields = payload.fields()?;
    let mut errors = FieldErrors::new();
    let up_to = match fields.get("up_to") {
        Some(_) => fields.integer("up_to", &mut errors),
        None => None,
    };
    errors.into_result()?;
    let up_to = up_to.map(|id| MessageId::new(id.saturating()));
    let updated = chat.mark_thread_read(caller, thread, up_to).await?;
    Ok(response::json(StatusCode::OK, &Marked { updated }))
}

fn bad_cursor(name: &str) -> ApiError {
    FieldErrors::one(name, error_text::INVALID_CURSOR).into()
}

fn with_link(mut response: Response<Body>, link: Option<HeaderValue>) -> Response<Body> {
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}
