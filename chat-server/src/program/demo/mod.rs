//! The demonstration data: five users, two conversations, and requests to try.
//!
//! The ids are fixed. So user3 can send every request in the documentation of the previous service without changes.
//! Texts and times are the same in every database.

use anyhow::{Context, Result};
use chat_core::{
    Chat, Error,
    api::{MessageId, Participants, ThreadId, Timestamp, UserId},
    auth::{password, token},
    store::{Import, ImportOutcome, ImportedMessage, ImportedThread, ImportedUser},
};
use std::net::SocketAddr;
use uuid::{Uuid, uuid};

/// The password of every user.
const PASSWORD: &str = "1234";
/// user0 has id 2, and so on to user4; id 1 stays unused.
const USERS: [(i64, &str); 5] = [(2, "user0"), (3, "user1"), (4, "user2"), (5, "user3"), (6, "user4")];
/// The time of the import: 2026-01-05, 08:00 UTC, in microseconds. All other times are later.
const BEGIN: i64 = 1_767_600_000_000_000;
/// A minute, in microseconds.
const MINUTE: i64 = 60_000_000;

/// A conversation with one line per message, `username: text`.
///
/// The older half has been read.
struct Conversation {
    thread: Uuid,
    between: (i64, i64),
    first_message: i64,
    begin: i64,
    lines: &'static str,
}

const CONVERSATIONS: [Conversation; 2] = [
    Conversation {
        thread: uuid!("3cff18f1-d049-43f3-9c69-fcc8948f66f6"),
        between: (4, 5),
        first_message: 501,
        begin: BEGIN + 60 * MINUTE,
        lines: include_str!("lake.txt"),
    },
    Conversation {
        thread: uuid!("7b0befd9-89b3-4e00-a03e-f6698e4f82cd"),
        between: (5, 6),
        first_message: 561,
        begin: BEGIN + 24 * 60 * MINUTE,
        lines: include_str!("cellar.txt"),
    },
];

/// Fills the database if it is empty.
///
/// Returns the text to print. The server will listen on `address`.
pub(super) async fn fill(chat: &Chat, address: SocketAddr) -> Result<String> {
    let outcome = chat.store().import(data()?).await.map_err(Error::from)?;
    Ok(match outcome {
        ImportOutcome::Imported => what_to_try(address),
        ImportOutcome::AlreadyImported => {
            "The database already has the demonstration data; --demo changed nothing.".to_owned()
        }
        ImportOutcome::NotEmpty => "The database is not empty; --demo changed nothing.".to_owned(),
    })
}

fn data() -> Result<Import> {
    let mut import = Import {
        digest: *token::hash("the demonstration").expose(),
        at: Timestamp::from_micros(BEGIN),
        users: Vec::new(),
        tokens: Vec::new(),
        threads: Vec::new(),
        messages: Vec::new(),
    };
    for (id, username) in USERS {
        import.users.push(ImportedUser {
            id: UserId::new(id),
            username: username.to_owned(),
            password: password::hash(PASSWORD)?,
            active: true,
            created: Timestamp::from_micros(BEGIN + id * MINUTE),
        });
    }
    for conversation in CONVERSATIONS {
        let messages = conversation.messages()?;
        let (low, high) = conversation.between;
        import.threads.push(ImportedThread {
            id: ThreadId::new(conversation.thread),
            participants: Participants::pair(UserId::new(low), UserId::new(high)),
            created: Timestamp::from_micros(conversation.begin),
            updated: messages.last().context("a conversation has no messages")?.created,
        });
        import.messages.extend(messages);
    }
    Ok(import)
}

impl Conversation {
    fn messages(&self) -> Result<Vec<ImportedMessage>> {
        let half = self.lines.lines().count() / 2;
        let mut created = self.begin;
        self.lines
            .lines()
            .zip(self.first_message..)
            .enumerate()
            .map(|(index, (line, id))| {
                let (username, text) = line.split_once(": ").context("a line has no sender")?;
                let sender = USERS
                    .iter()
                    .find(|(_, name)| *name == username)
                    .context("a line has an unknown sender")?;
                // Consecutive messages are one to six minutes and a fraction apart, so the times are not round.
                created += MINUTE * (1 + id % 6) + 7_131 * id;
                Ok(ImportedMessage {
                    id: MessageId::new(id),
                    sender: UserId::new(sender.0),
                    thread: ThreadId::new(self.thread),
                    text: text.to_owned(),
                    created: Timestamp::from_micros(created),
                    is_read: index < half,
                })
            })
            .collect()
    }
}

/// Returns the requests to try.
fn what_to_try(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let [Conversation { thread, .. }, _] = CONVERSATIONS;
    format!(
        r#"The database now has user0 to user4 (ids 2 to 6) with the password {PASSWORD}. Requests to try as user3:

  api=http://{address}/chat-api
  token=$(curl -s $api/token/ -d username=user3 -d password={PASSWORD} | cut -d'"' -f4)
  curl -H "Authorization: Token $token" $api/threads/
  curl -H "Authorization: Token $token" "$api/messages/unread/?limit=10&offset=10"
  curl -H "Authorization: Token $token" $api/threads/ -d participant=2
  curl -H "Authorization: Token $token" $api/messages/ -d thread={thread} -d "text=Hello!"
  curl -H "Authorization: Token $token" $api/threads/{thread}/messages/
  curl -H "Authorization: Token $token" -X PATCH $api/messages/539/mark-as-read/
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_requests_find_their_objects() {
        let import = data().unwrap();
        let ids: Vec<_> = import.messages.iter().map(|message| message.id.get()).collect();
        assert_eq!(ids, (501..=600).collect::<Vec<_>>());
        let message = |id: i64| import.messages.iter().find(|message| message.id.get() == id).unwrap();
        let (to_mark, to_delete) = (message(539), message(551));
        assert!(!to_mark.is_read && to_mark.sender.get() == 4, "unread, and from user2");
        assert_eq!(to_delete.sender.get(), 5, "user3's own");
        let [lake, cellar] = &import.threads[..] else { panic!("two threads") };
        assert_eq!(lake.id.to_string(), "3cff18f1-d049-43f3-9c69-fcc8948f66f6");
        assert!((501..=560).all(|id| message(id).thread == lake.id));
        assert_eq!(cellar.id.to_string(), "7b0befd9-89b3-4e00-a03e-f6698e4f82cd");
        assert!((561..=600).all(|id| message(id).thread == cellar.id));
        // The second thread is deleted before the second page of unread messages is requested.
        let unread = |thread| import.messages.iter().filter(|m| m.thread == thread && !m.is_read).count();
        assert_eq!((unread(lake.id), unread(cellar.id)), (30, 20));
    }

    #[test]
    fn every_message_is_one_that_can_be_sent() {
        let import = data().unwrap();
        for message in &import.messages {
            let thread = import.threads.iter().find(|thread| thread.id == message.thread).unwrap();
            assert!(thread.participants.contains(message.sender), "{message:?}");
            assert!(thread.created < message.created && message.created <= thread.updated, "{message:?}");
            assert!((1..=250).contains(&message.text.chars().count()), "{message:?}");
        }
        assert!(import.messages.windows(2).all(|pair| pair[0].created < pair[1].created));
    }
}
