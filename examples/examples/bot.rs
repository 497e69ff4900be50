//! A bot that echoes every message it receives, written with the client library.
//!
//!     cargo run -p chat-examples --example bot                                      # runs against a server of its own
//!     cargo run -p chat-examples --example bot http://127.0.0.1:8000 user2 < file   # reads the password from `file`

#![expect(clippy::print_stdout, reason = "the example prints what it does")]

use anyhow::{Context, Result, ensure};
use chat_client::{Client, Error};
use chat_core::{
    Chat,
    store::sql::{self, Options},
};
use chat_server::{ChatService, Server};
use futures_util::TryStreamExt;
use std::{io, time::Duration};
use tokio::net::TcpListener;

/// How long to wait before the next poll when there is no unread message.
const PAUSE: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(url) = args.next() else { return demonstrate().await };
    let name = args.next().context("usage: bot URL USERNAME, with the password on standard input")?;
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let bot = Client::new(url)?.sign_in(name, password.trim_end_matches('\n')).await?;
    reply_to(&bot, usize::MAX).await
}

/// Replies to unread messages, oldest first, until it has sent `count` replies.
async fn reply_to(bot: &Client, count: usize) -> Result<()> {
    let mut replies = 0;
    while replies < count {
        match reply_to_unread(bot, count - replies).await {
            Ok(0) => tokio::time::sleep(PAUSE).await,
            Ok(more) => replies += more,
            // The client has already retried the call. A bot can wait longer than the client does.
            Err(error) if error.is_unavailable() || error.is_connect() || error.is_timeout() => {
                println!("the server is unavailable, retrying: {error}");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Replies to at most `limit` of the unread messages.
///
/// Returns the number of replies.
async fn reply_to_unread(bot: &Client, limit: usize) -> Result<usize, Error> {
    // One page at a time: `reply_to` calls this function until the list is empty, and then polls.
    let page = bot.unread().incoming().await?;
    let mut replies = 0;
    for message in page.results.into_iter().take(limit) {
        // If the bot stops between the two calls, the key prevents a second reply to the same message.
        let key = format!("echo-{}", message.id);
        bot.send(message.thread, &*message.text).idempotency_key(key).await?;
        bot.mark_message_read(message.id).await?;
        println!("{}: {}", message.sender, message.text);
        replies += 1;
    }
    Ok(replies)
}

/// Starts a server, sends messages to the bot and checks its replies.
async fn demonstrate() -> Result<()> {
    let chat = Chat::new(sql::connect("sqlite::memory:", &Options::default()).await?);
    chat.add_user("ann", "1234").await?;
    let bot = chat.add_user("bot", "1234").await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = ChatService::builder(chat).build();
    tokio::spawn(Server::new(service).serve(listener, std::future::pending()));

    let client = Client::new(url)?;
    let ann = client.sign_in("ann", "1234").await?;
    let thread = ann.open_thread(bot.id).await?.id;
    let sent = ["Are you there?", "Hello?", "Echo!"];
    for text in sent {
        ann.send(thread, text).await?;
    }
    reply_to(&client.sign_in("bot", "1234").await?, sent.len()).await?;

    let replies = ann.unread().incoming().stream().map_ok(|message| message.text);
    ensure!(replies.try_collect::<Vec<_>>().await? == sent, "the bot replies to each message, in order");
    Ok(())
}
