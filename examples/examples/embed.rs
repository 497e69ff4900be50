//! The chat as a library in an application that has its own users.
//!
//! It uses no HTTP and needs no second log-in.
//!
//!     cargo run -p chat-examples --example embed

#![expect(clippy::print_stdout, reason = "the example prints what it does")]

use anyhow::Result;
use chat_core::{
    Chat, Error,
    api::UserId,
    store::{
        MessageRange, Slice, UnreadFilter,
        sql::{self, Options},
    },
};
use sqlx::{Row, SqlitePool, sqlite::SqliteConnectOptions};
use std::path::Path;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let members = open_members(&folder.path().join("app.db")).await?;

    // The chat has its own database file. `connect` creates the file and applies the migrations.
    let file = folder.path().join("chat.db");
    let chat = Chat::new(sql::connect(&format!("sqlite://{}", file.display()), &Options::default()).await?);

    // Register the application's users with the chat, under the application's ids and names. They have no password,
    // since the application logs them in. `ensure_user` is idempotent: call it at every log-in, for example.
    for member in sqlx::query("select id, name from member").fetch_all(&members).await? {
        chat.ensure_user(UserId::new(member.get("id")), member.get("name")).await?;
    }
    let (ann, bob, eve) = (UserId::new(42), UserId::new(43), UserId::new(44));

    // The first argument is the caller. The application authenticates the caller; the chat checks what they may do.
    let thread = chat.open_thread(ann, bob).await?.id;
    chat.send(ann, thread, "Lunch at one?").await?;
    let reply = chat.send(bob, thread, "One it is.").await?;
    assert_eq!(chat.open_thread(bob, ann).await?.id, thread, "two users share one thread");

    let denied = chat.send(eve, thread, "May I come too?").await;
    assert!(matches!(denied, Err(Error::NotFound(_))), "to other users the thread does not exist");

    let unread = chat.unread(ann, UnreadFilter::Incoming, Slice { limit: 10, offset: 0 }).await?;
    assert_eq!((unread.count, &unread.items), (1, &vec![reply.clone()]));
    chat.mark_message_read(ann, reply.id).await?;

    for message in chat.thread_messages(ann, thread, MessageRange::Oldest, 50).await? {
        let name: String = sqlx::query_scalar("select name from member where id = $1")
            .bind(message.sender.get())
            .fetch_one(&members)
            .await?;
        println!("{} {name}: {} {}", message.created, message.text, if message.is_read { "✓" } else { "" });
    }

    // Every acknowledged change is already on disk. This closes the connections.
    chat.close().await;
    Ok(())
}

/// Opens the application's own database, which the chat does not use.
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
