//! Changes that are made while another caller waits for a call of the database.

use chat_core::{
    Chat, Error,
    api::{ThreadId, UserId},
    clock::Clock,
    store::{MessageRange, Slice, UnreadFilter},
};
use chat_tests::{Database, Fault, Faults, Gate, ManualClock, on_both_databases};
use std::time::Duration;

const ANN: UserId = UserId::new(1);
const BOB: UserId = UserId::new(2);
const ALL: Slice = Slice { limit: 100, offset: 0 };

async fn chat(database: &Database) -> (Chat, Faults, ThreadId) {
    let (store, faults) = database.faulty_store().await;
    let chat = Chat::new(store);
    chat.ensure_user(ANN, "ann").await.unwrap();
    chat.ensure_user(BOB, "bob").await.unwrap();
    let thread = chat.open_thread(ANN, BOB).await.unwrap().id;
    (chat, faults, thread)
}

/// Runs `action` after the next call of a method is done and before it returns.
async fn during_call<T>(
    faults: &Faults,
    method: &'static str,
    call: impl Future<Output = T>,
    action: impl Future<Output = ()>,
) -> T {
    let gate = Gate::new();
    faults.plan_for(method, Fault::HeldAfter(gate.clone()));
    let action = async {
        gate.reached().await;
        action.await;
        gate.open();
    };
    tokio::join!(call, action).0
}

on_both_databases!(
    a_token_revoked_during_its_look_up_is_not_cached,
    a_list_that_changes_while_it_is_read_is_not_cached,
    a_sign_in_during_a_change_of_the_account_is_refused,
    token_uses_count_while_they_are_being_written,
);

async fn a_token_revoked_during_its_look_up_is_not_cached(database: Database) {
    let (chat, faults, _) = chat(&database).await;
    let token = chat.issue_token(ANN).await.unwrap();
    let looked_up = chat.authenticate(token.expose());
    let revoked = async {
        chat.revoke_tokens(ANN).await.unwrap();
    };
    // The token was valid when it was looked up.
    during_call(&faults, "token_owner", looked_up, revoked).await.unwrap();
    assert!(matches!(chat.authenticate(token.expose()).await, Err(Error::InvalidToken)));
    chat.close().await;
}

async fn a_list_that_changes_while_it_is_read_is_not_cached(database: Database) {
    let (chat, faults, thread) = chat(&database).await;
    let send = async || {
        chat.send(ANN, thread, "hello").await.unwrap();
    };
    let page = || chat.thread_messages_json(BOB, thread, MessageRange::Oldest, 100);
    during_call(&faults, "thread_messages", page(), send()).await.unwrap();
    assert_ne!(page().await.unwrap().json, "[]");
    during_call(&faults, "messages", chat.messages_json(BOB, ALL), send()).await.unwrap();
    assert_eq!(chat.messages_json(BOB, ALL).await.unwrap().count, 2);
    during_call(&faults, "unread", chat.unread_json(BOB, UnreadFilter::Incoming, ALL), send()).await.unwrap();
    assert_eq!(chat.unread_json(BOB, UnreadFilter::Incoming, ALL).await.unwrap().count, 3);

    let deleted = async {
        chat.delete_thread(BOB, thread).await.unwrap();
    };
    during_call(&faults, "threads", chat.threads_json(ANN, None, 100), deleted).await.unwrap();
    assert_eq!(chat.threads_json(ANN, None, 100).await.unwrap().json, "[]");
    chat.close().await;
}

/// Changing a leaked password must lock out everyone who knows it.
async fn a_sign_in_during_a_change_of_the_account_is_refused(database: Database) {
    let (chat, faults, _) = chat(&database).await;
    for change in ["password", "disabled", "removed"] {
        chat.set_password(ANN, "the old one").await.unwrap();
        let gate = Gate::new();
        faults.plan_for("insert_token", Fault::HeldBefore(gate.clone()));
        let change_account = async {
            gate.reached().await;
            match change {
                "password" => chat.set_password(ANN, "the new one").await.unwrap(),
                "disabled" => chat.set_active(ANN, false).await.unwrap(),
                _ => chat.remove_user(ANN).await.unwrap(),
            }
            gate.open();
        };
        let (token, ()) = tokio::join!(chat.sign_in("ann", "the old one"), change_account);
        assert!(matches!(token, Err(Error::Invalid(_))), "{change}: {token:?}");
        assert!(chat.tokens(ANN).await.unwrap().is_empty(), "{change}");
        chat.ensure_user(ANN, "ann").await.unwrap();
        chat.set_active(ANN, true).await.unwrap();
    }
    chat.close().await;
}

/// A token does not expire while its last use is being written.
async fn token_uses_count_while_they_are_being_written(database: Database) {
    let (store, faults) = database.faulty_store().await;
    let (clock, hour) = (ManualClock::new(), Duration::from_secs(3600));
    let chat = Chat::builder(store).clock(clock.clone()).token_ttl(Some(hour)).build();
    chat.ensure_user(ANN, "ann").await.unwrap();
    let token = chat.issue_token(ANN).await.unwrap();
    clock.advance(hour / 2);
    chat.authenticate(token.expose()).await.unwrap();
    let used = clock.now();

    let gate = Gate::new();
    faults.plan_for("touch_tokens", Fault::HeldBefore(gate.clone()));
    let during_write = async {
        gate.reached().await;
        assert_eq!(chat.tokens(ANN).await.unwrap()[0].last_used, used);
        clock.advance(hour / 2);
        // Clears the cached session, but not the recorded use.
        chat.set_active(ANN, true).await.unwrap();
        chat.authenticate(token.expose()).await.unwrap();
        gate.open();
    };
    // Issuing a token flushes the recorded uses of other tokens.
    tokio::join!(async { chat.issue_token(ANN).await.unwrap() }, during_write);
    chat.close().await;
}
