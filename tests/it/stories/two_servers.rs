//! Two server processes on one Postgres, each with a cache of lists and tokens.

use chat_client::{Client, Error, Message};
use chat_tests::{Database, Program};
use std::time::{Duration, Instant};

/// The longest time that a revoked token may stay in the cache of another server.
const MAX_STALENESS: Duration = Duration::from_secs(2);

fn servers(database: &Database) -> (Program, Program) {
    let serve = || Program::serve(database, &["--open-registration"]);
    (serve(), serve())
}

async fn registered(server: &Program, name: &str) -> Client {
    let client = server.client();
    client.register(name, format!("{name}'s own password")).await.unwrap();
    client.sign_in(name, format!("{name}'s own password")).await.unwrap()
}

/// Returns a client of the same user at another server.
fn at(server: &Program, client: &Client) -> Client {
    let there = server.client();
    there.with_token(client.token().unwrap().clone()).unwrap()
}

#[tokio::test]
async fn an_acknowledged_change_is_visible_on_the_other_server_at_once() {
    let database = Database::postgres().await;
    let (here, there) = servers(&database);
    let (ann, bob) = (registered(&here, "ann").await, registered(&there, "bob").await);
    let thread = ann.open_thread(bob.me().await.unwrap().id).await.unwrap().id;
    // Both servers have cached every list of the user before each change.
    let (bob_here, bob_there) = (at(&here, &bob), bob);
    let lists = async || {
        let mut answers = Vec::new();
        for bob in [&bob_here, &bob_there] {
            let page = bob.thread_messages(thread).newest().await.unwrap().results;
            let unread = bob.unread().incoming().await.unwrap();
            assert_eq!(bob.messages().limit(100).await.unwrap().results, page);
            assert_eq!(unread.count, unread.results.len() as u64);
            answers.push((page, unread.results));
        }
        let there = answers.pop().unwrap();
        assert_eq!(answers, std::slice::from_ref(&there), "the servers differ");
        there
    };

    for round in 0..10 {
        let text = format!("message {round}");
        let sent = ann.send(thread, &*text).await.unwrap();
        let (page, unread) = lists().await;
        assert_eq!((page.last(), unread), (Some(&sent), vec![sent.clone()]));

        let edited = ann.edit_message(sent.id).text("another text").await.unwrap();
        assert_eq!(lists().await.1, std::slice::from_ref(&edited));

        let reader = if round % 2 == 0 { &bob_here } else { &bob_there };
        reader.mark_message_read(sent.id).await.unwrap();
        let (page, unread) = lists().await;
        assert_eq!((page.last(), unread), (Some(&Message { is_read: true, ..edited }), vec![]));

        if round % 3 == 0 {
            ann.delete_message(sent.id).await.unwrap();
            assert!(!lists().await.0.iter().any(|message| message.id == sent.id));
        }
    }
    bob_here.delete_thread(thread).await.unwrap();
    assert!(bob_there.thread_messages(thread).await.unwrap_err().is_not_found());
    assert_eq!(bob_there.threads().await.unwrap().results, []);
    here.stop();
    there.stop();
}

#[tokio::test]
async fn a_revoked_token_is_refused_by_the_other_server_within_two_seconds() {
    let database = Database::postgres().await;
    let (here, there) = servers(&database);
    let ann = registered(&here, "ann").await;
    for revoke_all in [false, true] {
        let token = here.client().sign_in("ann", "ann's own password").await.unwrap();
        let other_node = at(&there, &token);
        other_node.me().await.unwrap();
        if revoke_all {
            ann.change_password("ann's own password", "another password").await.unwrap();
        } else {
            token.sign_out().await.unwrap();
        }
        let revoked = Instant::now();
        assert!(
            token.me().await.unwrap_err().is_unauthorized(),
            "the server that revoked it refuses it at once"
        );
        // A request that begins after the limit is refused, however slow the machine is.
        loop {
            let requested = Instant::now();
            match other_node.me().await {
                Ok(_) => assert!(requested - revoked < MAX_STALENESS, "the token is still accepted"),
                Err(error) => break assert!(Error::is_unauthorized(&error), "{error}"),
            }
        }
    }
    at(&there, &ann).me().await.unwrap();
    here.stop();
    there.stop();
}
