//! Changes by an administrator on the command line apply to a running server.

use chat_client::{Client, Error};
use chat_tests::{Database, Program, on_both_databases, program, run, wait::until};
use serde_json::Value;
use std::time::{Duration, Instant};

on_both_databases!(
    a_disabled_user_is_refused_until_enabled,
    revoked_tokens_are_void_within_two_seconds,
    a_new_user_may_sign_in_and_a_removed_one_may_not,
);

/// The longest time until a running server applies a change of the command line.
const BOUND: Duration = Duration::from_secs(2);

fn admin(database: &Database, args: &[&str], input: &str) -> program::RunOutput {
    run(&mut program::chat_server(database, args), input)
}

fn add(database: &Database, name: &str) -> Value {
    admin(database, &["user", "add", name, "--password-stdin", "--json"], "1234\n").json()
}

/// Repeats a request until its answer shows a change that was just made.
///
/// A request that begins two seconds after the change shows it, however slow the machine is.
async fn within_two_seconds(client: &Client, as_it_should_be: impl Fn(&Result<(), Error>) -> bool) {
    let changed = Instant::now();
    until("the server applies the change", async || {
        let requested = Instant::now();
        let answer = client.me().await.map(drop);
        let is_applied = as_it_should_be(&answer);
        assert!(is_applied || requested - changed < BOUND, "the change does not apply: {answer:?}");
        is_applied
    })
    .await;
}

async fn a_disabled_user_is_refused_until_enabled(database: Database) {
    let server = Program::serve(&database, &[]);
    add(&database, "ann");
    let ann = server.client().sign_in("ann", "1234").await.unwrap();
    ann.me().await.unwrap();

    admin(&database, &["user", "disable", "ann"], "").ok();
    within_two_seconds(&ann, |answer| answer.as_ref().is_err_and(Error::is_unauthorized)).await;
    assert_eq!(ann.me().await.unwrap_err().detail(), Some("User inactive or deleted."));
    assert!(server.client().sign_in("ann", "1234").await.unwrap_err().is_invalid());

    admin(&database, &["user", "enable", "ann"], "").ok();
    within_two_seconds(&ann, Result::is_ok).await;
    server.stop();
}

async fn revoked_tokens_are_void_within_two_seconds(database: Database) {
    let server = Program::serve(&database, &[]);
    for name in ["ann", "bob"] {
        add(&database, name);
    }
    let ann = server.client().sign_in("ann", "1234").await.unwrap();
    let bob = server.client().sign_in("bob", "1234").await.unwrap();
    ann.me().await.unwrap();

    admin(&database, &["token", "revoke", "ann"], "").ok();
    within_two_seconds(&ann, |answer| answer.as_ref().is_err_and(Error::is_unauthorized)).await;
    bob.me().await.unwrap();

    let ann = server.client().sign_in("ann", "1234").await.unwrap();
    admin(&database, &["user", "passwd", "ann", "--password-stdin"], "5678\n").ok();
    within_two_seconds(&ann, |answer| answer.as_ref().is_err_and(Error::is_unauthorized)).await;
    assert!(server.client().sign_in("ann", "1234").await.unwrap_err().is_invalid());
    server.client().sign_in("ann", "5678").await.unwrap();
    server.stop();
}

async fn a_new_user_may_sign_in_and_a_removed_one_may_not(database: Database) {
    let server = Program::serve(&database, &[]);
    add(&database, "ann");
    let ann = server.client().sign_in("ann", "1234").await.unwrap();
    let added = add(&database, "bob");
    let bob = server.client().sign_in("bob", "1234").await.unwrap();
    let bobs = bob.me().await.unwrap();
    assert_eq!((added["id"].as_i64(), added["username"].as_str()), (Some(bobs.id.get()), Some("bob")));
    let thread = ann.open_thread(bobs.id).await.unwrap().id;
    bob.send(thread, "hello").await.unwrap();

    let refused = admin(&database, &["user", "add", "BOB", "--password-stdin"], "1234\n").failed(1);
    assert!(refused.contains("A user with that username already exists."), "{refused}");
    admin(&database, &["user", "remove", "bob", "--yes"], "").ok();
    within_two_seconds(&bob, |answer| answer.as_ref().is_err_and(Error::is_unauthorized)).await;
    assert!(ann.user(bobs.id).await.unwrap_err().is_not_found());
    assert_eq!(ann.messages().await.unwrap().count, 0);
    assert_eq!(ann.threads().await.unwrap().results, []);
    server.stop();
}
