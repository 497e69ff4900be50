//! Threads.

use super::HandlerResult;
use crate::{
    call::Call,
    http::{
        error::ApiError,
        pages::{self, NextCursor, next_link},
        response::{self, Body},
        stream,
    },
    input::{MarkReadFields, OpenThreadFields, number::Integer},
};
use chat_core::{
    Chat,
    api::{
        FieldErrors, Marked, Message, MessageCursor, MessageId, OpenThread, Opened, ThreadCursor, ThreadId,
        UserId,
        endpoints::{CreateThread, DeleteThread, GetThread, ListThreadMessages, ListThreads, MarkThreadRead},
        error_text,
    },
    store::{ListedThread, MessageRange},
};
use http::{HeaderValue, Response, StatusCode, header};

pub(crate) async fn list(call: Call<ListThreads>) -> HandlerResult {
    let (chat, caller) = (&call.app.chat, call.caller.user);
    let ThreadCursor { after, limit } = call.query()?;
    let Some(limit) = pages::cursor_limit(limit, after.is_some()) else {
        return all_threads(chat.clone(), caller).await;
    };
    let page = chat.threads_json(caller, after, limit).await?;
    let next = page.next.map(NextCursor::After);
    let link = next.and_then(|next| next_link(&call.request_url(), &call.raw_query, limit, next));
    Ok(with_link(response::with_json(StatusCode::OK, page.json.into()), link))
}

async fn all_threads(chat: Chat, caller: UserId) -> HandlerResult {
    let rows = move |last: Option<ListedThread>| {
        let chat = chat.clone();
        async move { chat.threads(caller, last.map(|last| last.position()), stream::ROWS).await }
    };
    stream::array(rows).await
}

pub(crate) async fn create(mut call: Call<CreateThread>) -> HandlerResult {
    let body = call.body().await?;
    let OpenThreadFields { participant } = body.fields()?;
    let participant = participant.into_result()?;
    if !participant.is_positive() {
        return Err(ApiError::bad_request("A participant ID must be a positive int"));
    }
    let Integer::Fits(id) = participant else {
        let [field] = OpenThread::FIELDS;
        return Err(FieldErrors::one(field, error_text::no_such_pk(participant)).into());
    };
    let opened = call.app.chat.open_thread(call.caller.user, UserId::new(id)).await?;
    let status = if opened.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(response::json(status, &Opened { id: opened.id })?)
}

pub(crate) async fn get(call: Call<GetThread>) -> HandlerResult {
    let thread = call.app.chat.thread(call.caller.user, call.id).await?;
    Ok(response::json(StatusCode::OK, &thread)?)
}

pub(crate) async fn delete(call: Call<DeleteThread>) -> HandlerResult {
    call.app.chat.delete_thread(call.caller.user, call.id).await?;
    Ok(response::empty(StatusCode::NO_CONTENT))
}

pub(crate) async fn messages(call: Call<ListThreadMessages>) -> HandlerResult {
    let (chat, caller, thread) = (&call.app.chat, call.caller.user, call.id);
    let cursor = match call.query() {
        Ok(cursor) => cursor,
        // By the order of the contract, the look-up of the thread comes before the validation of the cursor.
        Err(error) => {
            chat.thread(caller, thread).await?;
            return Err(error);
        }
    };
    let range = range(cursor);
    let Some(limit) = pages::cursor_limit(cursor.limit, range != MessageRange::Oldest) else {
        return all_messages(chat.clone(), caller, thread).await;
    };
    let page = chat.thread_messages_json(caller, thread, range, limit).await?;
    let next = match range {
        MessageRange::Before(_) => page.next.map(NextCursor::Before),
        _ => page.next.map(NextCursor::After),
    };
    let link = next.and_then(|next| next_link(&call.request_url(), &call.raw_query, limit, next));
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

/// Returns the range of the cursors.
const fn range(cursor: MessageCursor) -> MessageRange {
    match (cursor.after, cursor.before) {
        (Some(after), Some(before)) => MessageRange::Between { after, before },
        (Some(id), None) => MessageRange::After(id),
        (None, Some(id)) => MessageRange::Before(id),
        (None, None) => MessageRange::Oldest,
    }
}

pub(crate) async fn mark_read(mut call: Call<MarkThreadRead>) -> HandlerResult {
    call.app.chat.thread(call.caller.user, call.id).await?;
    let body = call.body().await?;
    let MarkReadFields { up_to } = body.fields()?;
    let up_to = up_to.into_result()?.map(|id| MessageId::new(id.saturating()));
    let updated = call.app.chat.mark_thread_read(call.caller.user, call.id, up_to).await?;
    Ok(response::json(StatusCode::OK, &Marked { updated })?)
}

fn with_link(mut response: Response<Body>, link: Option<HeaderValue>) -> Response<Body> {
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}
