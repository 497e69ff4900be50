//! Expiry, use and revocation of tokens, on one node and across nodes.

use chat_core::{
    Chat, Error,
    api::UserId,
    clock::Clock,
    store::sql::{self, Options},
};
use chat_tests::{Database, ManualClock, on_both_databases, postgres};
use std::time::Duration;

const ANN: UserId = UserId::new(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn chat(url: &str, clock: &ManualClock) -> Chat {
    let store = sql::connect(url, &Options::default()).await.unwrap();
    let chat = Chat::builder(store).clock(clock.clone()).build();
    chat.ensure_user(ANN, "ann").await.unwrap();
    chat
}

on_both_databases!(
    a_token_expires_after_90_days_without_use,
    token_uses_are_known_exactly_and_survive_a_restart,
    the_least_recently_used_token_is_evicted,
    after_the_clock_is_set_back_updated_still_rises_and_tokens_in_use_stay_valid,
    a_hundred_log_ins_keep_the_tokens_in_use,
);

async fn a_token_expires_after_90_days_without_use(database: Database) {
    let clock = ManualClock::new();
    let chat = chat(&database.url, &clock).await;
    let (used, unused) = (chat.issue_token(ANN).await.unwrap(), chat.issue_token(ANN).await.unwrap());
    clock.advance(60 * DAY);
    chat.authenticate(used.expose()).await.unwrap();
    clock.advance(60 * DAY);
    chat.authenticate(used.expose()).await.unwrap();
    assert!(matches!(chat.authenticate(unused.expose()).await, Err(Error::InvalidToken)));
    let left = chat.tokens(ANN).await.unwrap();
    assert_eq!(left.iter().map(|token| token.id.get()).collect::<Vec<_>>(), [1]);
    assert_eq!(left[0].expires, Some(clock.now().plus(90 * DAY)));
    chat.close().await;
}

async fn token_uses_are_known_exactly_and_survive_a_restart(database: Database) {
    let clock = ManualClock::new();
    let first = chat(&database.url, &clock).await;
    let token = first.issue_token(ANN).await.unwrap();
    for milliseconds in [1, 1, 60_000, 1] {
        clock.advance(Duration::from_millis(milliseconds));
        first.authenticate(token.expose()).await.unwrap();
        assert_eq!(first.tokens(ANN).await.unwrap()[0].last_used, clock.now());
    }
    first.close().await;

    let second = chat(&database.url, &clock).await;
    assert_eq!(second.tokens(ANN).await.unwrap()[0].last_used, clock.now());
    second.close().await;
}

async fn the_least_recently_used_token_is_evicted(database: Database) {
    let clock = ManualClock::new();
    let chat = chat(&database.url, &clock).await;
    let (used, unused) = (chat.issue_token(ANN).await.unwrap(), chat.issue_token(ANN).await.unwrap());
    clock.advance(DAY);
    let mut newer = Vec::new();
    for _ in 2..100 {
        let token = chat.issue_token(ANN).await.unwrap();
        chat.authenticate(token.expose()).await.unwrap();
        newer.push(token);
    }
    clock.advance(DAY);
    chat.authenticate(used.expose()).await.unwrap();
    chat.issue_token(ANN).await.unwrap();
    assert!(matches!(chat.authenticate(unused.expose()).await, Err(Error::InvalidToken)));
    // The cached token is evicted with its row.
    chat.issue_token(ANN).await.unwrap();
    assert!(matches!(chat.authenticate(newer[0].expose()).await, Err(Error::InvalidToken)));
    chat.authenticate(used.expose()).await.unwrap();
    assert_eq!(chat.tokens(ANN).await.unwrap().len(), 100);
    chat.close().await;
}

async fn after_the_clock_is_set_back_updated_still_rises_and_tokens_in_use_stay_valid(database: Database) {
    let (clock, ben) = (ManualClock::new(), UserId::new(2));
    let chat = chat(&database.url, &clock).await;
    chat.ensure_user(ben, "ben").await.unwrap();
    let thread = chat.open_thread(ANN, ben).await.unwrap().id;
    let mut tokens = Vec::new();
    for _ in 0..100 {
        tokens.push(chat.issue_token(ANN).await.unwrap());
    }
    clock.set_back(Duration::from_secs(3600));

    let mut updated = chat.thread(ANN, thread).await.unwrap().updated;
    for n in 0..3 {
        chat.send(ANN, thread, &format!("message {n}")).await.unwrap();
        let now = chat.thread(ANN, thread).await.unwrap().updated;
        assert!(now > updated, "message {n}: {updated} to {now}");
        updated = now;
    }

    chat.authenticate(tokens[0].expose()).await.unwrap();
    let used = chat.tokens(ANN).await.unwrap().pop().unwrap();
    assert_eq!(used.id.get(), 1);
    let (first, second) = (chat.issue_token(ANN).await.unwrap(), chat.issue_token(ANN).await.unwrap());
    for token in [&tokens[0], &tokens[99], &first, &second] {
        chat.authenticate(token.expose()).await.unwrap();
    }
    for token in &tokens[1..3] {
        assert!(matches!(chat.authenticate(token.expose()).await, Err(Error::InvalidToken)));
    }
    let live = chat.tokens(ANN).await.unwrap();
    assert_eq!(live.iter().find(|token| token.id == used.id).unwrap().last_used, clock.now());
    chat.close().await;
}

async fn a_hundred_log_ins_keep_the_tokens_in_use(database: Database) {
    let clock = ManualClock::new();
    let chat = chat(&database.url, &clock).await;
    let mut in_use = Vec::new();
    for _ in 0..50 {
        in_use.push(chat.issue_token(ANN).await.unwrap());
    }
    // Each sign-in comes so soon after the uses of the other tokens that these uses are not written yet.
    for n in 0..150 {
        for token in [&in_use[n % 50], &in_use[0]] {
            clock.advance(Duration::from_millis(1));
            chat.authenticate(token.expose()).await.unwrap();
        }
        clock.advance(Duration::from_millis(1));
        chat.issue_token(ANN).await.unwrap();
    }
    for token in &in_use {
        chat.authenticate(token.expose()).await.unwrap();
    }
    assert_eq!(chat.tokens(ANN).await.unwrap().len(), 100);
    chat.close().await;
}

#[tokio::test]
async fn a_use_on_another_node_is_known_within_a_minute() {
    let database = postgres::Database::fresh().await;
    let clock = ManualClock::new();
    let (here, there) = (chat(&database.url, &clock).await, chat(&database.url, &clock).await);
    let token = here.issue_token(ANN).await.unwrap();
    let used = async |after: Duration| {
        clock.advance(after);
        there.authenticate(token.expose()).await.unwrap();
        clock.now()
    };
    used(Duration::from_secs(1)).await;
    let last = used(Duration::from_secs(1)).await;
    advance(Duration::from_secs(55)).await;
    let known = async {
        while here.tokens(ANN).await.unwrap()[0].last_used != last {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), known).await.unwrap();
    clock.advance(Duration::from_secs(1));
    for _ in 1..100 {
        here.issue_token(ANN).await.unwrap();
    }
    here.authenticate(token.expose()).await.unwrap();
    here.close().await;
    there.close().await;
}

/// A node caches the token of another node for at most two seconds.
#[tokio::test]
async fn a_revocation_is_effective_on_other_nodes_within_two_seconds() {
    let database = postgres::Database::fresh().await;
    let clock = ManualClock::new();
    let (here, there) = (chat(&database.url, &clock).await, chat(&database.url, &clock).await);
    let tokens = [
        here.issue_token(ANN).await.unwrap(),
        here.issue_token(ANN).await.unwrap(),
        here.issue_token(ANN).await.unwrap(),
    ];
    for token in &tokens {
        there.authenticate(token.expose()).await.unwrap();
    }
    let [one, by_number, at_last] = &tokens;
    let session = here.authenticate(one.expose()).await.unwrap();
    here.sign_out(session).await.unwrap();
    here.revoke_token(ANN, here.tokens(ANN).await.unwrap()[1].id).await.unwrap();
    two_seconds().await;
    for revoked in [one, by_number] {
        assert!(matches!(there.authenticate(revoked.expose()).await, Err(Error::InvalidToken)));
    }
    there.authenticate(at_last.expose()).await.unwrap();

    here.set_active(ANN, false).await.unwrap();
    two_seconds().await;
    assert!(matches!(there.authenticate(at_last.expose()).await, Err(Error::InactiveUser)));
    here.set_active(ANN, true).await.unwrap();
    two_seconds().await;
    there.authenticate(at_last.expose()).await.unwrap();

    here.set_password(ANN, "another one").await.unwrap();
    two_seconds().await;
    assert!(matches!(there.authenticate(at_last.expose()).await, Err(Error::InvalidToken)));
    here.close().await;
    there.close().await;
}

/// Advances the time of this runtime by two seconds without waiting.
async fn two_seconds() {
    advance(Duration::from_secs(2)).await;
}

/// Advances the time of this runtime without waiting.
async fn advance(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
