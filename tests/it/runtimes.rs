//! The chat after its Tokio runtime has ended, and in a thread without a runtime.

use chat_core::{
    Chat, Error,
    api::{ThreadId, UserId},
    error_chain,
    store::{
        MessageRange, Slice,
        sql::{self, OpenError, Options},
    },
};
use chat_tests::Database;
use futures_util::FutureExt as _;
use std::time::Duration;
use tokio::{
    runtime::{Builder, Runtime},
    task::yield_now,
    time::timeout,
};

const ANN: UserId = UserId::new(42);
const BEN: UserId = UserId::new(43);

/// The time after which a call counts as hanging.
const HANG: Duration = Duration::from_secs(60);

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {$(
        mod $test {
            #[test]
            fn on_sqlite() {
                super::$test(&super::Database::sqlite());
            }
            #[test]
            fn on_postgres() {
                // The database outlives the runtimes of the test.
                let keeper = super::runtime();
                let database = keeper.block_on(super::Database::postgres());
                super::$test(&database);
            }
        }
    )*};
}

on_both_databases!(
    after_the_runtime_has_ended_calls_that_need_it_fail_with_the_reason,
    outside_a_runtime_calls_that_need_one_fail_with_the_reason,
    futures_can_be_dropped_outside_the_runtime,
);

/// Opens a chat with a thread of two users.
async fn chat(database: &Database) -> (Chat, ThreadId) {
    let chat = database.chat().await;
    chat.ensure_user(ANN, "ann").await.unwrap();
    chat.ensure_user(BEN, "ben").await.unwrap();
    let thread = chat.open_thread(ANN, BEN).await.unwrap().id;
    (chat, thread)
}

/// Asserts that a call failed because of the runtime, not of the database.
fn assert_says_so<T: std::fmt::Debug>(failed: Result<T, Error>, reason: &str) {
    let error = failed.unwrap_err();
    let text = error_chain(&error).to_string();
    assert!(matches!(error, Error::Fault(_)) && text.contains(reason), "{text}");
}

fn after_the_runtime_has_ended_calls_that_need_it_fail_with_the_reason(database: &Database) {
    let (first, second) = (runtime(), runtime());
    let (chat, thread) = first.block_on(chat(database));
    drop(first);
    let calls = async {
        let ended = "the Tokio runtime in which the chat was opened has ended";
        assert_says_so(chat.send(ANN, thread, "too late").await, ended);
        if database.url.starts_with("sqlite:") {
            // Only group commit needs the first runtime.
            assert_eq!(chat.thread_messages(BEN, thread, MessageRange::Oldest, 10).await.unwrap(), []);
            chat.mark_thread_read(BEN, thread, None).await.unwrap();
            let token = chat.issue_token(ANN).await.unwrap();
            assert_eq!(chat.authenticate(token.expose()).await.unwrap().user, ANN);
        } else {
            // The connections belong to the first runtime.
            assert_says_so(chat.user(ANN).await, ended);
            assert_says_so(chat.mark_thread_read(BEN, thread, None).await, ended);
            assert_says_so(chat.issue_token(ANN).await, ended);
        }
        chat.close().await;
    };
    second.block_on(async { timeout(HANG, calls).await.expect("no call hangs") });
}

fn outside_a_runtime_calls_that_need_one_fail_with_the_reason(database: &Database) {
    let none = "there is no Tokio runtime";
    let refused = Chat::open(&database.url).now_or_never().expect("no call waits").unwrap_err();
    assert!(matches!(refused, OpenError::Database(_)), "{refused:?}");
    assert!(error_chain(&refused).to_string().contains(none), "{refused:?}");
    let examined = sql::examine(&database.url, &Options::default()).now_or_never();
    assert!(error_chain(&examined.unwrap().unwrap_err()).to_string().contains(none));

    let runtime = runtime();
    let (chat, thread) = runtime.block_on(chat(database));
    let token = runtime.block_on(chat.issue_token(ANN)).unwrap();
    let no_wait = "no call waits";
    assert_says_so(chat.send(ANN, thread, "hello").now_or_never().expect(no_wait), none);
    assert_says_so(chat.open_thread(ANN, BEN).now_or_never().expect(no_wait), none);
    assert_says_so(chat.set_password(ANN, "correct horse").now_or_never().expect(no_wait), none);
    // Long reads need a runtime. On SQLite, short ones need none.
    let deep = Slice { offset: 5000, limit: 10 };
    assert_says_so(chat.users("", deep).now_or_never().expect(no_wait), none);
    let user = chat.user(ANN).now_or_never().expect(no_wait);
    let session = chat.authenticate(token.expose()).now_or_never().expect(no_wait);
    if database.url.starts_with("sqlite:") {
        assert_eq!(user.unwrap().username, "ann");
        assert_eq!(session.unwrap().user, ANN);
    } else {
        assert_says_so(user, none);
        assert_says_so(session, none);
    }
    runtime.block_on(async {
        chat.send(ANN, thread, "hello").await.unwrap();
        chat.close().await;
    });
    drop(runtime);
    drop(chat);
}

fn futures_can_be_dropped_outside_the_runtime(database: &Database) {
    let runtime = runtime();
    let (chat, thread) = runtime.block_on(chat(database));
    let messages = || chat.thread_messages(BEN, thread, MessageRange::Oldest, 250);
    // More calls than the pool has connections.
    for _ in 0..20 {
        let begun = runtime.block_on(async {
            let mut read = Box::pin(chat.users("", Slice { offset: 5000, limit: 10 }));
            let mut write = Box::pin(chat.mark_thread_read(BEN, thread, None));
            let mut send = Box::pin(chat.send(ANN, thread, "sent"));
            // The first poll begins the call. Whether the call has already ended does not matter.
            drop(read.as_mut().now_or_never());
            drop(write.as_mut().now_or_never());
            drop(send.as_mut().now_or_never());
            (read, write, send)
        });
        drop(begun);
    }
    let complete = async {
        while messages().await.unwrap().len() < 20 {
            yield_now().await;
        }
        chat.send(ANN, thread, "and another").await.unwrap();
        chat.close().await;
    };
    runtime.block_on(async { timeout(HANG, complete).await.expect("every slot of the pool is free") });

    for _ in 0..5 {
        let mut opening = Box::pin(Chat::open(&database.url));
        runtime.block_on(async {
            if opening.as_mut().now_or_never().is_none() {
                yield_now().await;
                drop(opening.as_mut().now_or_never());
            }
        });
        drop(opening);
    }

    // The runtime ends before the future is dropped.
    let (chat, thread) = runtime.block_on(self::chat(database));
    let mut begun = Box::pin(chat.mark_thread_read(BEN, thread, None));
    runtime.block_on(async { drop(begun.as_mut().now_or_never()) });
    drop(runtime);
    drop(begun);
}
