//! A chat inside an application that has its users already: no HTTP, no second log-in.
//!
//!     cargo run -p chat-examples --example embed

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use anyhow::Result;
use chat_core::{
    Chat, Error,
    api::UserId,
    store::{
        MessageRange, Slice,
        sql::{self, Options},
    },
};
use sqlx::{Row, SqlitePool, sqlite::SqliteConnectOptions};
use std::path::Path;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let members = open_members(&folder.path().join("app.db")).await?;

    // The chat keeps its data in a file of its own. `connect` makes it and brings its schema up to date.
    let file = folder.path().join("chat.db");
    let chat = Chat::new(sql::connect(&format!("sqlite://{}", file.display()), &Options::default()).await?);

    // The chat is told who there is: the application's ids, the application's names. They need no password, since
    // nobody logs in at the chat. Saying it again changes nothing, so it can be said whenever somebody comes.
    for member in sqlx::query("select id, name from member").fetch_all(&members).await? {
        chat.ensure_user(UserId::new(member.get("id")), member.get("name")).await?;
    }
    let (ann, bob, eve) = (UserId::new(42), UserId::new(43), UserId::new(44));

    // Every call names who acts. That this is ann is for the application to know; what ann may do, for the chat.
    let thread = chat.open_thread(ann, bob).await?.id;
    chat.send(ann, thread, "Lunch at one?").await?;
    let answer = chat.send(bob, thread, "One it is.").await?;
    assert_eq!(chat.open_thread(bob, ann).await?.id, thread, "two people have one thread");

    let refused = chat.send(eve, thread, "May I come too?").await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "for eve there is no such thread");

    let unread = chat.unread(ann, true, Slice { limit: 10, offset: 0 }).await?;
    assert_eq!((unread.count, &unread.items), (1, &vec![answer.clone()]));
    chat.mark_message_read(ann, answer.id).await?;

    for message in chat.thread_messages(ann, thread, MessageRange::Oldest, 50).await? {
        let name: String = sqlx::query_scalar("select name from member where id = $1")
            .bind(message.sender.get())
            .fetch_one(&members)
            .await?;
        println!("{} {name}: {} {}", message.created, message.text, if message.is_read { "✓" } else { "" });
    }

    // Whatever was acknowledged is on disk already; this ends the connections in good order.
    chat.close().await;
    Ok(())
}

/// The application's own data, which the chat knows nothing of.
async fn open_members(file: &Path) -> Result<SqlitePool> {
    let pool =
        SqlitePool::connect_with(SqliteConnectOptions::new().filename(file).create_if_missing(true)).await?;
    sqlx::raw_sql(
        "create table member (id integer primary key, name text not null, email text);
         insert into member (id, name) values (42, 'ann'), (43, 'bob'), (44, 'eve');",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}
