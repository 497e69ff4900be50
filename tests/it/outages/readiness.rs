//! The result of `/readyz`.
//!
//! A server is ready if the database answers and the last write did not fail.

use super::{TestClient, client::assert_unavailable};
use chat_core::Chat;
use chat_server::ChatService;
use chat_tests::{Database, Disk, Fault, Program, StoppedTime, on_both_databases, program};
use http::Request;
use http_body_util::Empty;
use hyper::body::Bytes;
use reqwest::StatusCode;
use std::{fs, path::Path, time::Duration};

on_both_databases!(readiness_follows_the_last_write);

/// Fails inserts of messages and the store's write check, as on a full disk.
///
/// Reads succeed.
const REFUSE_ON_POSTGRES: &str = "
    create function refuse() returns trigger language plpgsql
        as $$ begin raise exception 'no room' using errcode = 'disk_full'; end $$;
    create trigger refuse_messages before insert on messages for each row execute function refuse();
    create trigger refuse_totals before update on totals for each row execute function refuse()";

async fn readiness_follows_the_last_write(database: Database) {
    let (disk, client) = (Disk::new(), TestClient::new(&database).await);
    let mut command = program::chat_server(&database, &["serve", "--listen", "127.0.0.1:0"]);
    let file = database.url.strip_prefix("sqlite://").map(|file| Path::new(file).parent().unwrap());
    command.envs(file.into_iter().flat_map(|folder| disk.environment(folder)));
    let server = Program::started(&mut command);
    client.served_by([&server]);
    assert_eq!(client.send("before").await.status(), StatusCode::CREATED);
    let refuse = async || match file {
        Some(_) => disk.fail_syncs(),
        None => database.execute(REFUSE_ON_POSTGRES).await,
    };
    let admit = async || match file {
        Some(_) => disk.restore_syncs(),
        None => database.execute("drop function refuse() cascade").await,
    };

    refuse().await;
    assert_unavailable(client.send("refused").await).await;
    client.wait_until_not_ready().await;
    assert_eq!(client.health("/healthz").await, StatusCode::OK);
    // Reads do not change the readiness.
    client.messages().await;
    assert_eq!(client.health("/readyz").await, StatusCode::SERVICE_UNAVAILABLE);
    admit().await;
    assert_eq!(client.send("accepted").await.status(), StatusCode::CREATED);
    client.wait_until_ready().await;

    // If there are no requests, the store checks by itself whether writes succeed again.
    refuse().await;
    assert_unavailable(client.send("refused").await).await;
    client.wait_until_not_ready().await;
    admit().await;
    client.wait_until_ready().await;
    server.stop();
}

#[tokio::test]
async fn the_check_writes_nothing() {
    let database = Database::sqlite();
    let chat = database.chat().await;
    chat.add_user("ann", "1234").await.unwrap();
    let service = ChatService::builder(chat.clone()).health_checks(true).build();
    let file = database.url.strip_prefix("sqlite://").unwrap();
    let read = || ["", "-wal"].map(|end| fs::read(format!("{file}{end}")).unwrap());
    let before = read();
    let stopped = StoppedTime::new();
    for _ in 0..3 {
        assert_eq!(readiness(&service).await, 200);
        // The result is kept for a second.
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    drop(stopped);
    assert!(read() == before, "no file has changed");
    chat.close().await;
}

/// Returns the status of `/readyz`.
async fn readiness(service: &ChatService) -> u16 {
    let request = Request::get("/readyz").body(Empty::<Bytes>::new()).unwrap();
    service.respond(request).await.status().as_u16()
}

#[tokio::test]
async fn the_result_is_kept_for_a_second() {
    let (store, faults) = Database::in_memory().faulty_store().await;
    let _stopped = StoppedTime::new();
    let service = ChatService::builder(Chat::new(store)).health_checks(true).build();
    let status = async || readiness(&service).await;
    faults.plan_for("ping", Fault::Unavailable);
    assert_eq!(status().await, 503);
    assert_eq!(status().await, 503, "the database is not asked again");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(status().await, 200);
    faults.plan_for("ping", Fault::Unavailable);
    assert_eq!(status().await, 200, "the database is not asked again");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(status().await, 503);
}
