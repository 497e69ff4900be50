//! Behaviour that only Postgres has.
//!
//! The subjects are opening a database on a server, failing commits, and row locks.

use chat_core::{
    api::{Participants, ThreadId, Timestamp, UserId},
    store::{
        IdempotencyKey, MessageRange, NewMessage, NewThread, NewUser, OpenedThread, PasswordHash, Slice,
        Store, StoreError, UnreadFilter, sql,
    },
};
use chat_tests::{
    Cluster, Relay,
    postgres::Database,
    wait::{in_time, until},
};
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};
use uuid::Uuid;

async fn connect(url: &str) -> Result<Arc<dyn Store>, sql::OpenError> {
    sql::connect(url, &sql::Options::default()).await
}

#[tokio::test]
async fn each_failure_to_open_has_its_own_error() {
    let database = Database::fresh().await;
    let nowhere = database.url.replace("chat_test_", "no_such_");
    assert!(matches!(connect(&nowhere).await, Err(sql::OpenError::NoSuchDatabase)));
    let folder = tempfile::tempdir().unwrap();
    let no_server = format!("postgres://localhost/chat?host={}", folder.path().display());
    assert!(matches!(connect(&no_server).await, Err(sql::OpenError::Unreachable(_))));
    let cluster = Cluster::dedicated();
    let relay = Relay::start(&cluster.socket()).unwrap();
    let without_tls = format!("postgres://postgres@{}/postgres?sslmode=require", relay.address());
    assert!(matches!(connect(&without_tls).await, Err(sql::OpenError::Tls(_))));
    let no_file = format!("{}&sslmode=verify-ca&sslrootcert=/no/such/file", cluster.url());
    assert!(matches!(connect(&no_file).await, Err(sql::OpenError::TlsFile(_, _))));
    assert!(matches!(connect("postgres://[").await, Err(sql::OpenError::Address)));
}

#[tokio::test]
async fn a_role_that_may_create_nothing_serves_a_current_schema() {
    let cluster = Cluster::dedicated();
    let limited = cluster.url().replace("postgres://postgres@", "postgres://limited@");
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    administrator.execute("create role limited login").await.unwrap();
    let error = connect(&limited).await.unwrap_err();
    assert!(matches!(error, sql::OpenError::Privileges(_)), "an empty database needs tables: {error:?}");

    connect(&cluster.url()).await.unwrap().close().await;
    let grant = "grant select, insert, update, delete on all tables in schema public to limited;
        grant usage, select, update on all sequences in schema public to limited";
    sqlx::raw_sql(grant).execute(&mut administrator).await.unwrap();
    let store = connect(&limited).await.unwrap();
    let message = message(&store).await;
    store.insert_messages(vec![message]).await.unwrap()[0].as_ref().unwrap();
    store.close().await;
}

/// Adds two users and their thread. Returns a message to it.
pub(super) async fn message(store: &Arc<dyn Store>) -> NewMessage {
    let created = Timestamp::from_micros(1);
    let mut users = Vec::new();
    for name in ["ann", "ben"] {
        let user = NewUser { username: name.to_owned(), password: PasswordHash::unusable(), created };
        users.push(store.insert_user(user).await.unwrap());
    }
    let id = ThreadId::new(Uuid::from_u128(1));
    store
        .open_thread(NewThread { id, participants: Participants::pair(users[0], users[1]), created })
        .await
        .unwrap();
    NewMessage { thread: id, sender: users[0], text: "good".to_owned(), is_read: false, created, key: None }
}

/// Makes the database refuse a message with the text "bad".
async fn refuse_bad(database: &Database, when: &str) {
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let function = "create function refuse() returns trigger language plpgsql \
         as $$ begin raise exception 'refused'; end $$";
    connection.execute(function).await.unwrap();
    let trigger = format!(
        "create constraint trigger refusal after insert on messages deferrable initially {when} \
         for each row when (new.text = 'bad') execute function refuse()"
    );
    connection.execute(sqlx::AssertSqlSafe(trigger)).await.unwrap();
}

/// The detail of a violated constraint has the whole row.
#[tokio::test]
async fn an_error_of_the_server_does_not_have_the_text_of_a_message() {
    let database = Database::fresh().await;
    let store = connect(&database.url).await.unwrap();
    let good = message(&store).await;
    let constraint = "alter table messages add constraint no_secret check (text <> 's3cret')";
    PgConnection::connect(&database.url).await.unwrap().execute(constraint).await.unwrap();
    let bad = NewMessage { text: "s3cret".to_owned(), ..good };
    let error = store
        .insert_messages(vec![bad])
        .await
        .and_then(|outcomes| outcomes.into_iter().collect::<Result<Vec<_>, _>>());
    let shown = format!("{0} {0:?}", error.unwrap_err());
    assert!(shown.contains("no_secret") && !shown.contains("s3cret"), "{shown}");
    store.close().await;
}

#[tokio::test]
async fn only_the_message_that_the_database_refuses_fails() {
    let database = Database::fresh().await;
    let store = connect(&database.url).await.unwrap();
    let good = message(&store).await;
    refuse_bad(&database, "immediate").await;
    let bad = NewMessage { text: "bad".to_owned(), ..good.clone() };
    let outcomes = store.insert_messages(vec![good.clone(), bad, good]).await.unwrap();
    assert!(matches!(outcomes[..], [Ok(_), Err(StoreError::Fault(_)), Ok(_)]), "{outcomes:?}");
    store.close().await;
}

/// After one message is refused, the store tries the others one by one.
///
/// If the connection is lost meanwhile, the store does not try the rest. Each attempt would wait until it times out.
#[tokio::test(flavor = "multi_thread")]
async fn after_the_database_is_lost_no_further_message_is_tried() {
    let cluster = Cluster::dedicated();
    let relay = Relay::start(&cluster.socket()).unwrap();
    let url = format!("postgres://postgres@{}/postgres", relay.address());
    let store = sql::open(&url, &sql::Options::default()).await.unwrap();
    let good = message(&store).await;
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    let trigger = "create function hinder() returns trigger language plpgsql as $$ begin
            if new.text = 'bad' then raise exception 'refused'; end if;
            if new.text = 'slow' then perform pg_advisory_xact_lock(1); end if;
            return null;
        end $$;
        create trigger hindrance after insert on messages for each row execute function hinder();
        select pg_advisory_lock(1)";
    sqlx::raw_sql(trigger).execute(&mut administrator).await.unwrap();

    let mut messages = vec![good.clone(); 100];
    messages[0].text = "bad".to_owned();
    messages[1].text = "slow".to_owned();
    let sending = tokio::spawn(async move { store.insert_messages(messages).await });
    let waiting = "select exists (select 1 from pg_locks where locktype = 'advisory' and not granted)";
    wait_until(&mut administrator, waiting).await;
    relay.disconnect();
    let outcomes = in_time("the others fail without a wait", sending).await.unwrap().unwrap();
    assert!(matches!(outcomes[0], Err(StoreError::Fault(_))), "{:?}", outcomes[0]);
    assert_eq!(outcomes.len(), 100);
    for outcome in &outcomes[1..] {
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn nothing_is_retried_after_a_failed_commit() {
    let database = Database::fresh().await;
    let store = connect(&database.url).await.unwrap();
    let good = message(&store).await;
    refuse_bad(&database, "deferred").await;
    let bad = NewMessage { text: "bad".to_owned(), ..good.clone() };
    let (thread, caller) = (good.thread, good.sender);
    let there =
        async || store.thread_messages(caller, thread, MessageRange::Oldest, 9).await.unwrap().unwrap().len();

    // The outcome of a statement that commits by itself is known.
    let outcomes = store.insert_messages(vec![good.clone(), bad.clone()]).await.unwrap();
    assert!(matches!(outcomes[..], [Ok(_), Err(StoreError::Fault(_))]), "{outcomes:?}");
    assert_eq!(there().await, 1);

    // A transaction whose commit fails is not retried. With the same error, a single statement would be retried.
    let refuse = "create sequence attempts;
        create function refuse_thread() returns trigger language plpgsql as $$ begin
            perform nextval('attempts');
            raise exception 'refused' using errcode = 'serialization_failure';
        end $$;
        create constraint trigger refuse_threads after insert on threads deferrable initially deferred
            for each row execute function refuse_thread()";
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql(refuse).execute(&mut connection).await.unwrap();
    let new =
        NewUser { username: "cid".to_owned(), password: PasswordHash::unusable(), created: good.created };
    let cid = store.insert_user(new).await.unwrap();
    let new = NewThread {
        id: ThreadId::new(Uuid::from_u128(9)),
        participants: Participants::pair(caller, cid),
        created: good.created,
    };
    let failed = store.open_thread(new).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    let attempts: i64 =
        sqlx::query_scalar("select last_value from attempts").fetch_one(&mut connection).await.unwrap();
    assert_eq!(attempts, 1);
    store.close().await;
}

/// The connection breaks while Postgres commits.
///
/// The store cannot know the outcome, and must not retry.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_stored_once_if_the_answer_of_its_commit_is_lost() {
    let cluster = Cluster::dedicated();
    let relay = Relay::start(&cluster.socket()).unwrap();
    let url = format!("postgres://postgres@{}/postgres", relay.address());
    // A new store has no connection that an earlier reset broke.
    let open = async || sql::open(&url, &sql::Options::default()).await.unwrap();
    let plain = message(&open().await).await;
    let key = Some(IdempotencyKey { key: "k".to_owned(), request: [7; 32] });
    let keyed = NewMessage { key, ..plain.clone() };
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    let trigger = "create sequence attempts;
        create function hold() returns trigger language plpgsql as $$ begin
            perform nextval('attempts');
            perform pg_advisory_xact_lock(1);
            return null;
        end $$;
        create constraint trigger held after insert on messages deferrable initially deferred
            for each row execute function hold()";
    sqlx::raw_sql(trigger).execute(&mut administrator).await.unwrap();

    for (stored, new) in [(1, plain), (2, keyed.clone())] {
        administrator.execute("select pg_advisory_lock(1)").await.unwrap();
        let store = open().await;
        let sending = tokio::spawn(async move { store.insert_messages(vec![new]).await });
        wait_until(&mut administrator, "select count(*) = 1 from pg_locks where not granted").await;
        // The network works again: a second attempt would succeed.
        relay.reset();
        let lost = match in_time("the call returns", sending).await.unwrap() {
            Ok(mut outcomes) => outcomes.remove(0).map(drop),
            Err(error) => Err(error),
        };
        assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
        administrator.execute("select pg_advisory_unlock(1)").await.unwrap();
        let committed = format!("select count(*) >= {stored} from messages");
        wait_until(&mut administrator, &committed).await;
        wait_until(&mut administrator, "select count(*) = 0 from pg_locks where locktype = 'advisory'").await;
        let counts = "select (select count(*) from messages), (select last_value from attempts)";
        let counts: (i64, i64) = sqlx::query_as(counts).fetch_one(&mut administrator).await.unwrap();
        assert_eq!(counts, (stored, stored), "messages and attempts");
    }
    let store = open().await;
    let repeated = store.insert_messages(vec![keyed]).await.unwrap().remove(0).unwrap();
    assert!(repeated.replayed, "the repeat finds the message");
    store.close().await;
}

/// Waits until a query returns true.
pub(super) async fn wait_until(connection: &mut PgConnection, query: &str) {
    until(query, async || {
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()));
        query.fetch_one(&mut *connection).await.unwrap()
    })
    .await;
}

/// Polls `work` until it was pending `waits` times, and then drops it.
///
/// Returns whether it completed before that.
async fn drop_after(waits: usize, work: impl Future) -> bool {
    let (mut work, mut left) = (pin!(work), waits);
    poll_fn(|context| {
        if work.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        left -= 1;
        if left == 0 { Poll::Ready(false) } else { Poll::Pending }
    })
    .await
}

/// An open transaction would include the statements of the connection's next call.
#[tokio::test]
async fn a_cancelled_call_leaves_no_transaction_open() {
    let database = Database::fresh().await;
    // One connection, which every later call uses.
    let options = sql::Options::default().postgres_connections(1);
    let store = sql::open(&database.url, &options).await.unwrap();
    let good = message(&store).await;
    let mut others = PgConnection::connect(&database.url).await.unwrap();
    for waits in 1.. {
        let name = format!("cid{waits}");
        let user = NewUser { username: name, password: PasswordHash::unusable(), created: good.created };
        let done = drop_after(waits, store.insert_user(user)).await;
        store.insert_messages(vec![good.clone()]).await.unwrap()[0].as_ref().unwrap();
        let there: i64 =
            sqlx::query_scalar("select count(*) from messages").fetch_one(&mut others).await.unwrap();
        assert_eq!(usize::try_from(there), Ok(waits), "other connections see the acknowledged messages");
        if done {
            break;
        }
    }
    store.close().await;
}

/// Commits a transaction as soon as this many others wait for its locks.
async fn commit_when_waited_for(transaction: &mut PgConnection, many: i64) {
    let waiting = "select count(*) from pg_stat_activity \
         where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0";
    until("others wait for the locks of the transaction", async || {
        transaction.execute("select pg_stat_clear_snapshot()").await.unwrap();
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut *transaction).await.unwrap() >= many
    })
    .await;
    transaction.execute("commit").await.unwrap();
}

/// A statement that waits for a lock keeps its snapshot from before the wait.
///
/// The batch must still see the changes that were committed during the wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_waits_for_a_lock_sees_the_changes_behind_it() {
    let database = Database::fresh().await;
    let store = sql::open(&database.url, &sql::Options::default()).await.unwrap();
    let new = message(&store).await;
    let (thread, ann) = (new.thread, new.sender);
    let sent = store.insert_messages(vec![new.clone(); 3]).await.unwrap();
    let [edited, marked, deleted] = [0, 1, 2].map(|n| sent[n].as_ref().unwrap().message.id);
    let mut others = PgConnection::connect(&database.url).await.unwrap();
    let changes = format!(
        "begin; update threads set high_read = {marked}; update messages set text = 'edited' where id = {edited}; \
         update messages set low_mark = 0, high_mark = 0 where id = {marked}; \
         delete from messages where id = {deleted}; \
         update counters set messages = messages - 1, unread = unread - 2, \
         unread_incoming = unread_incoming - case when user_id = {ann} then 0 else 2 end"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(changes)).execute(&mut others).await.unwrap();
    let marking = tokio::spawn({
        let store = store.clone();
        // One message is marked twice.
        let marks = [edited, marked, deleted, edited].map(|id| (ann, id));
        async move { store.mark_messages_read(marks.to_vec()).await.unwrap() }
    });
    let sending = tokio::spawn({
        let store = store.clone();
        async move { store.insert_messages(vec![new]).await.unwrap().remove(0).unwrap().message }
    });
    commit_when_waited_for(&mut others, 2).await;
    let outcomes = marking.await.unwrap();
    for place in [0, 1, 3] {
        assert!(matches!(&outcomes[place], Ok(Some(message)) if message.value.is_read), "{outcomes:?}");
    }
    let sent = sending.await.unwrap();
    let there = store.thread_messages(ann, thread, MessageRange::Oldest, 9).await.unwrap().unwrap();
    let there: Vec<_> = there.iter().map(|m| (m.id, &*m.text, m.is_read)).collect();
    assert_eq!(there, [(edited, "edited", true), (marked, "good", true), (sent.id, "good", false)]);
    for (user, incoming) in [(ann, 0), (UserId::new(2), 1)] {
        let all = Slice { limit: 9, offset: 0 };
        assert_eq!(store.messages(user, all).await.unwrap().count, 3);
        assert_eq!(store.unread(user, UnreadFilter::All, all).await.unwrap().count, 1);
        assert_eq!(store.unread(user, UnreadFilter::Incoming, all).await.unwrap().count, incoming);
    }
    store.close().await;
}

/// A pair has three imported threads.
///
/// The canonical one is deleted while another transaction deletes the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promotion_waits_for_a_concurrent_deletion() {
    let database = Database::fresh().await;
    let store = sql::open(&database.url, &sql::Options::default()).await.unwrap();
    let NewMessage { thread: first, sender: ann, created, .. } = message(&store).await;
    let mut others = PgConnection::connect(&database.url).await.unwrap();
    let other_threads = "insert into threads (id, user_low, user_high, canonical, has_outside_senders, created, updated) \
         select n::text::uuid, user_low, user_high, false, false, created, updated \
         from threads, (values ('00000000-0000-0000-0000-000000000002'), \
             ('00000000-0000-0000-0000-000000000003')) v(n)";
    others.execute(other_threads).await.unwrap();
    let delete_next = "begin; delete from threads where id = '00000000-0000-0000-0000-000000000002'";
    sqlx::raw_sql(delete_next).execute(&mut others).await.unwrap();
    let deleting = tokio::spawn({
        let store = store.clone();
        async move { store.delete_thread(ann, first).await }
    });
    commit_when_waited_for(&mut others, 1).await;
    assert!(deleting.await.unwrap().unwrap().is_some());
    let [low, high] = [1, 2].map(UserId::new);
    let new = NewThread {
        id: ThreadId::new(Uuid::from_u128(4)),
        participants: Participants::pair(low, high),
        created,
    };
    assert_eq!(
        store.open_thread(new).await.unwrap(),
        OpenedThread { id: ThreadId::new(Uuid::from_u128(3)), created: false }
    );
    store.close().await;
}

#[tokio::test]
async fn backup_is_unsupported_on_postgres() {
    let database = Database::fresh().await;
    let store = connect(&database.url).await.unwrap();
    let copy = tempfile::tempdir().unwrap().path().join("copy");
    assert!(matches!(store.backup(&copy).await, Err(StoreError::Unsupported(_))));
    store.close().await;
}
