//! Lists that were cached before a change show the change as soon as it is made.

use super::api::{ANN, Api, BOB, EVE};
use chat_core::{
    Chat,
    store::{MessageRange, Slice, UnreadFilter},
};
use hyper::body::Bytes;

/// Returns every list of ann and bob, as the service writes it.
async fn lists(chat: &Chat, api: &Api) -> Vec<Option<Bytes>> {
    let slice = Slice { limit: 50, offset: 0 };
    let mut lists = Vec::new();
    for user in [ANN, BOB] {
        lists.push(chat.threads_json(user, None, 50).await.ok().map(|page| page.json));
        let page = chat.thread_messages_json(user, api.thread, MessageRange::Oldest, 50).await;
        lists.push(page.ok().map(|page| page.json));
        lists.push(chat.messages_json(user, slice).await.ok().map(|slice| slice.json));
        for filter in [UnreadFilter::All, UnreadFilter::Incoming] {
            lists.push(chat.unread_json(user, filter, slice).await.ok().map(|slice| slice.json));
        }
    }
    lists
}

#[tokio::test]
async fn every_change_is_in_every_list_at_once() {
    let api = Api::new().await;
    let (first, second) = (api.send_message(ANN, "one").await, api.send_message(ANN, "two").await);
    api.send_message(BOB, "three").await;
    let thread = api.thread;
    for (method, path, body) in [
        ("POST", "/messages/".to_owned(), format!(r#"{{"thread":"{thread}","text":"four"}}"#)),
        ("PATCH", format!("/messages/{first}/"), r#"{"text":"1"}"#.to_owned()),
        ("PATCH", format!("/messages/{first}/mark-as-read/"), String::new()),
        ("DELETE", format!("/messages/{second}/"), String::new()),
        ("PATCH", format!("/threads/{thread}/mark-as-read/"), String::new()),
        ("POST", "/threads/".to_owned(), format!(r#"{{"participant":{EVE}}}"#)),
        ("DELETE", format!("/threads/{thread}/"), String::new()),
    ] {
        let before = lists(&api.chat, &api).await;
        let status = api.ann(method, &path).json(body).await.status;
        assert!((200..300).contains(&status), "{method} {path}: {status}");
        let after = lists(&api.chat, &api).await;
        assert_ne!(after, before, "{method} {path}");
        // A chat with an empty cache.
        let cold = Chat::new(api.chat.store().clone());
        assert_eq!(after, lists(&cold, &api).await, "{method} {path}");
    }
}
