//! The disk below the database: what is acknowledged is on it, and what finds no room on it is refused.

use super::{Answers, Scene, Writers, scene::assert_unavailable};
use chat_tests::{Cluster, Database, Disk, Program, program};
use reqwest::StatusCode;
use std::{path::Path, sync::Arc};

/// A server on an SQLite file that is on this disk.
fn serve_from(disk: &Disk, database: &Database, args: &[&str]) -> Program {
    let file = Path::new(database.url.strip_prefix("sqlite://").unwrap());
    let mut command =
        program::chat_server(database, &["serve", "--listen", "127.0.0.1:0", "--no-rate-limits"]);
    Program::started(command.args(args).envs(disk.environment(file.parent().unwrap())))
}

/// How many of some messages, sent one after the other, were answered 201 after the disk had confirmed something.
async fn synced(disk: &Disk, scene: &Scene, server: &Program) -> usize {
    scene.served_by([server]);
    let mut synced = 0;
    for n in 0..MESSAGES {
        let before = disk.syncs();
        assert_eq!(scene.send(&format!("{}-{n}", server.id())).await.status(), StatusCode::CREATED);
        synced += usize::from(disk.syncs() > before);
    }
    synced
}

const MESSAGES: usize = 20;

#[tokio::test]
async fn sqlite_has_synced_what_is_acknowledged() {
    let (disk, database) = (Disk::new(), Database::sqlite());
    let scene = Scene::new(&database).await;
    let server = serve_from(&disk, &database, &[]);
    assert_eq!(synced(&disk, &scene, &server).await, MESSAGES);
    server.stop();
    // Unless it is told not to, which shows that it is the syncs of messages that are counted. The log of writes is
    // begun anew some time, and then it is synced all the same.
    let server = serve_from(&disk, &database, &["--no-sync"]);
    assert!(synced(&disk, &scene, &server).await < MESSAGES / 2);
    server.stop();
}

/// Nor does a connection of ours ask Postgres for less than it does by itself.
#[tokio::test]
async fn postgres_has_synced_what_is_acknowledged() {
    let disk = Disk::new();
    let cluster = Cluster::on(&disk);
    let database = Database::at(cluster.url());
    let scene = Scene::new(&database).await;
    let server = Program::serve(&database, &["--no-rate-limits"]);
    assert_eq!(synced(&disk, &scene, &server).await, MESSAGES);
    server.stop();
}

#[tokio::test]
async fn what_cannot_be_synced_is_not_acknowledged() {
    let (disk, database) = (Disk::new(), Database::sqlite());
    let scene = Scene::new(&database).await;
    let server = serve_from(&disk, &database, &[]);
    scene.served_by([&server]);
    disk.break_down();
    assert_unavailable(scene.send("once").await).await;
    disk.mend();
    assert_eq!(scene.send("once").await.status(), StatusCode::CREATED);
    let texts: Vec<String> = scene.messages().await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["once"]);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_without_room() {
    let (disk, database) = (Disk::new(), Database::sqlite());
    let scene = Arc::new(Scene::new(&database).await);
    let server = serve_from(&disk, &database, &[]);
    no_room(&disk, scene, server, "database or disk is full").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_without_room() {
    let disk = Disk::new();
    let cluster = Cluster::on(&disk);
    let database = Database::at(cluster.url());
    let scene = Arc::new(Scene::new(&database).await);
    let server = Program::serve(&database, &["--no-rate-limits"]);
    no_room(&disk, scene, server, "No space left on device").await;
}

/// The disk is full while some write, and then there is room again. The log gives the reason.
async fn no_room(disk: &Disk, scene: Arc<Scene>, server: Program, reason: &str) {
    scene.served_by([&server]);
    let mut writers = Writers::start(&scene, 8, Answers::Always, &mut fastrand::Rng::new());
    writers.more(50).await;
    disk.fill();
    // What the database's files have room for yet is taken.
    let mut beside = Vec::new();
    let refused = loop {
        beside.push(format!("beside-{}", beside.len()));
        let answer = scene.send(beside.last().unwrap()).await;
        if answer.status() != StatusCode::CREATED {
            break answer;
        }
        assert!(beside.len() < 10_000, "it is never full");
    };
    assert_unavailable(refused).await;
    server.wait_for(reason);
    let told = writers.acknowledged();
    assert!(scene.messages().await.len() >= told, "reading goes on");
    assert_eq!(scene.health("/healthz").await, StatusCode::OK);

    disk.make_room();
    writers.more(50).await;
    writers.finish_with(&beside).await;
    server.stop();
}

/// A process is ended by a signal when a file of its own would become longer than it may, unless it minds that.
#[tokio::test]
async fn a_limit_on_files_is_like_a_full_disk() {
    let database = Database::sqlite();
    let scene = Scene::new(&database).await;
    let served = program::chat_server(&database, &["serve", "--listen", "127.0.0.1:0", "--no-rate-limits"]);
    let mut limited = program::command("/bin/sh");
    // 1000 blocks of 512 bytes.
    limited.args(["-c", "ulimit -S -f 1000 && exec \"$@\"", "sh"]).arg(served.get_program());
    limited.args(served.get_args()).env("CHAT_DATABASE_URL", &database.url);
    let server = Program::started(&mut limited);
    scene.served_by([&server]);

    let mut acknowledged = Vec::new();
    let refused = loop {
        let text = format!("message-{}", acknowledged.len());
        let answer = scene.send(&text).await;
        if answer.status() != StatusCode::CREATED {
            break answer;
        }
        acknowledged.push(text);
        assert!(acknowledged.len() < 10_000, "the limit is never met");
    };
    assert_unavailable(refused).await;
    let texts: Vec<String> = scene.messages().await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, acknowledged);
    server.stop();
}
