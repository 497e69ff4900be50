//! A bot that says again what it is told: a program on the client library.
//!
//!     cargo run -p chat-examples --example bot                                      # tries itself out and ends
//!     cargo run -p chat-examples --example bot http://127.0.0.1:8000 user2 < file   # the password is in `file`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use anyhow::{Context, Result, ensure};
use chat_client::{Client, Error};
use chat_core::{
    Chat,
    store::sql::{self, Options},
};
use chat_server::{ChatService, Limits};
use futures_util::TryStreamExt;
use std::{io, time::Duration};
use tokio::net::TcpListener;

/// How long to wait before asking again, when there was nothing to answer.
const PAUSE: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(url) = args.next() else { return try_out().await };
    let name = args.next().context("who am I? bot URL USERNAME, and the password on standard input")?;
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let bot = Client::new(url)?.sign_in(name, password.trim_end_matches('\n')).await?;
    echo(&bot, usize::MAX).await
}

/// Answers unread messages, oldest first, until it has answered `times`.
async fn echo(bot: &Client, times: usize) -> Result<()> {
    let mut answered = 0;
    while answered < times {
        match echo_unread(bot, times - answered).await {
            Ok(0) => tokio::time::sleep(PAUSE).await,
            Ok(now) => answered += now,
            // The client has tried again already; a bot has more patience than a caller.
            Err(error) if error.is_unavailable() || error.is_connect() || error.is_timeout() => {
                println!("waiting: {error}");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Answers up to `most` of the messages that are unread now, and says how many.
async fn echo_unread(bot: &Client, most: usize) -> Result<usize, Error> {
    // A page, not the stream: marking messages as read moves what comes after them, and so the pages.
    let page = bot.unread().incoming().await?;
    let mut answered = 0;
    for message in page.results.into_iter().take(most) {
        // Should the bot be stopped between these two calls, the key keeps it from answering twice.
        let key = format!("echo-{}", message.id);
        bot.send(message.thread, &*message.text).idempotency_key(key).await?;
        bot.mark_message_read(message.id).await?;
        println!("{}: {}", message.sender, message.text);
        answered += 1;
    }
    Ok(answered)
}

/// The bot in a server of its own, with somebody to talk to.
async fn try_out() -> Result<()> {
    let chat = Chat::new(sql::connect("sqlite::memory:", &Options::default()).await?);
    chat.add_user("ann", "1234").await?;
    let bot = chat.add_user("bot", "1234").await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let service = ChatService::builder(chat).build();
    tokio::spawn(chat_server::serve(listener, service, Limits::default(), std::future::pending()));

    let client = Client::new(url)?;
    let ann = client.sign_in("ann", "1234").await?;
    let thread = ann.open_thread(bot.id).await?.id;
    let said = ["Is anybody there?", "Hello?", "Echo!"];
    for text in said {
        ann.send(thread, text).await?;
    }
    echo(&client.sign_in("bot", "1234").await?, said.len()).await?;

    let heard = ann.unread().incoming().stream().map_ok(|message| message.text);
    ensure!(heard.try_collect::<Vec<_>>().await? == said, "ann hears what she said, in order");
    Ok(())
}
