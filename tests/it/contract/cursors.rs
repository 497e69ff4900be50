//! Lists with a cursor: `after` and `before`.

use super::api::{ANN, Api, EVE, Reply, UNKNOWN_THREAD};
use chat_core::api::{Thread, UserId};
use http_body_util::BodyExt;

/// Returns an API with seven messages, and their ids.
async fn seven() -> (Api, Vec<i64>) {
    let api = Api::new().await;
    let mut ids = Vec::new();
    for text in 1..=7 {
        ids.push(api.send_message(ANN, &text.to_string()).await.get());
    }
    (api, ids)
}

fn ids(reply: &Reply) -> Vec<i64> {
    reply.json(200).as_array().unwrap().iter().map(|message| message["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn without_limit_and_cursor_the_whole_list_is_answered() {
    let (api, all) = seven().await;
    let reply = api.ann("GET", &format!("/threads/{}/messages/", api.thread)).await;
    assert_eq!((ids(&reply), reply.next()), (all, None));
}

#[tokio::test]
async fn pages_after_a_message_follow_each_other() {
    let (api, all) = seven().await;
    let mut next = Some(format!("/threads/{}/messages/?limit=3&x=a%20b", api.thread));
    let mut pages = Vec::new();
    while let Some(path) = next {
        let reply = api.ann("GET", &path).await;
        pages.push(ids(&reply));
        next = reply.next();
        assert!(
            next.as_ref().is_none_or(|next| next.contains("x=a+b") && next.contains("limit=3")),
            "{next:?}"
        );
    }
    assert_eq!(pages, [&all[..3], &all[3..6], &all[6..]]);
}

#[tokio::test]
async fn pages_before_a_message_are_in_ascending_order() {
    let (api, all) = seven().await;
    let mut next = Some(format!("/threads/{}/messages/?limit=3&before={}", api.thread, all[6]));
    let mut pages = Vec::new();
    while let Some(path) = next {
        let reply = api.ann("GET", &path).await;
        pages.push(ids(&reply));
        next = reply.next();
    }
    assert_eq!(pages, [&all[3..6], &all[..3]]);
}

#[tokio::test]
async fn a_cursor_alone_selects_a_page_and_its_message_need_not_exist() {
    let (api, all) = seven().await;
    let path = |query: String| format!("/threads/{}/messages/?{query}", api.thread);
    let reply = api.ann("GET", &path(format!("after={}", all[4]))).await;
    assert_eq!((ids(&reply), reply.next()), (all[5..].to_vec(), None));
    let reply = api.ann("GET", &path(format!("after={}", all[6]))).await;
    assert_eq!((ids(&reply), reply.next()), (vec![], None));
    api.ann("DELETE", &format!("/messages/{}/", all[4])).await.is(204, "");
    assert_eq!(ids(&api.ann("GET", &path(format!("after={}", all[4]))).await), all[5..]);
}

#[tokio::test]
async fn both_cursors_select_the_messages_between_them() {
    let (api, all) = seven().await;
    let between = |after: usize, before: usize, limit: &str| {
        format!("/threads/{}/messages/?after={}&before={}{limit}", api.thread, all[after], all[before])
    };
    let reply = api.ann("GET", &between(0, 6, "")).await;
    assert_eq!((ids(&reply), reply.next()), (all[1..6].to_vec(), None));
    for (after, before) in [(2, 3), (2, 2), (5, 1)] {
        let reply = api.ann("GET", &between(after, before, "")).await;
        assert_eq!((ids(&reply), reply.next()), (vec![], None), "{after} {before}");
    }
    let (mut next, mut pages) = (Some(between(0, 6, "&limit=2")), Vec::new());
    while let Some(path) = next {
        let reply = api.ann("GET", &path).await;
        pages.push(ids(&reply));
        next = reply.next();
    }
    assert_eq!(pages, [&all[1..3], &all[3..5], &all[5..6]]);
}

#[tokio::test]
async fn a_cursor_that_cannot_be_read_is_refused() {
    let (api, _) = seven().await;
    let (base, invalid) = (format!("/threads/{}/messages/", api.thread), r#"{"after":["Invalid cursor."]}"#);
    for cursor in ["abc", "1.0", "1_0"] {
        api.ann("GET", &format!("{base}?after={cursor}")).await.is_for(cursor, 400, invalid);
        assert_eq!(api.ann("GET", &format!("{base}?before={cursor}")).await.status, 400, "{cursor}");
    }
    for cursor in [
        "abc",
        "1",
        "",
        &format!("{UNKNOWN_THREAD}."),
        &format!("{UNKNOWN_THREAD}.x"),
        &format!("{UNKNOWN_THREAD}.+1"),
    ] {
        api.ann("GET", &format!("/threads/?after={cursor}")).await.is_for(cursor, 400, invalid);
    }
}

#[tokio::test]
async fn threads_are_listed_in_the_order_they_were_made() {
    let api = Api::new().await;
    let mut made = vec![api.thread.to_string()];
    for id in 20..24 {
        api.chat.ensure_user(UserId::new(id), &format!("user{id}")).await.unwrap();
        made.push(api.chat.open_thread(ANN, UserId::new(id)).await.unwrap().id.to_string());
    }
    let all = api.ann("GET", "/threads/").await;
    assert_eq!((threads(&all), all.next()), (made.clone(), None));

    let (mut next, mut listed) = (Some("/threads/?limit=2".to_owned()), Vec::new());
    while let Some(path) = next {
        let reply = api.ann("GET", &path).await;
        let page = threads(&reply);
        assert!(page.len() <= 2);
        listed.extend(page);
        next = reply.next();
    }
    assert_eq!(listed, made);
}

/// Returns the ids of the threads in a reply.
fn threads(reply: &Reply) -> Vec<String> {
    let threads = reply.json(200);
    threads.as_array().unwrap().iter().map(|thread| thread["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_link_to_the_next_page_of_threads_survives_the_deletion_of_its_thread() {
    let api = Api::new().await;
    let mut made = vec![api.thread.to_string()];
    for id in 20..24 {
        api.chat.ensure_user(UserId::new(id), &format!("user{id}")).await.unwrap();
        made.push(api.chat.open_thread(ANN, UserId::new(id)).await.unwrap().id.to_string());
    }
    let first = api.ann("GET", "/threads/?limit=2").await;
    let next = first.next().unwrap();
    api.ann("DELETE", &format!("/threads/{}/", made[1])).await.is(204, "");
    let second = api.ann("GET", &next).await;
    assert_eq!(threads(&second), made[2..4]);
    // The id of a deleted thread does not determine a position in the list.
    let bare = api.ann("GET", &format!("/threads/?after={}", made[1])).await;
    bare.is(400, r#"{"after":["Invalid cursor."]}"#);
}

#[tokio::test]
async fn the_whole_list_of_threads_continues_after_a_thread_that_is_deleted_meanwhile() {
    /// The number of rows that the service reads from the database at once.
    const ROWS: i64 = 500;
    let api = Api::new().await;
    let mut made = vec![api.thread];
    for id in 20..20 + ROWS + 1 {
        api.chat.ensure_user(UserId::new(id), &format!("user{id}")).await.unwrap();
        made.push(api.chat.open_thread(ANN, UserId::new(id)).await.unwrap().id);
    }
    let mut body = api.ann("GET", "/threads/").respond().await.into_body();
    let mut json = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
    api.chat.delete_thread(ANN, made[ROWS as usize - 1]).await.unwrap();
    json.extend(body.collect().await.unwrap().to_bytes());
    let listed: Vec<Thread> = serde_json::from_slice(&json).unwrap();
    assert_eq!(listed.iter().map(|thread| thread.id).collect::<Vec<_>>(), made);
}

#[tokio::test]
async fn a_position_selects_only_threads_of_the_caller() {
    let api = Api::new().await;
    api.chat.ensure_user(UserId::new(20), "dan").await.unwrap();
    api.chat.open_thread(ANN, UserId::new(20)).await.unwrap();
    let next = api.ann("GET", "/threads/?limit=1").await.next().unwrap();
    assert_eq!(threads(&api.call("GET", &next).by(EVE).await), [""; 0]);
}

#[tokio::test]
async fn a_thread_of_other_users_is_not_a_valid_cursor() {
    let api = Api::new().await;
    api.chat.ensure_user(UserId::new(20), "dan").await.unwrap();
    let foreign = api.chat.open_thread(EVE, UserId::new(20)).await.unwrap().id;
    let reply = api.ann("GET", &format!("/threads/?after={foreign}")).await;
    reply.is(400, r#"{"after":["Invalid cursor."]}"#);
}
