//! Backups of a database that is in use: what was acknowledged before one began is in it, and it is whole or not there.

use super::doctor::Findings;
use chat_client::Message;
use chat_tests::{Database, Program, program, run, server::client};
use futures_util::{TryStreamExt as _, future::join_all};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;

fn folder(database: &Database) -> PathBuf {
    Path::new(database.url.strip_prefix("sqlite://").unwrap()).parent().unwrap().to_owned()
}

/// Copies that are not finished.
fn parts(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".part")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_writers_has_all_that_was_acknowledged_before() {
    let database = Database::sqlite();
    let server = Program::serve(&database, &["--open-registration"]);
    let mut users = Vec::new();
    for name in ["ann", "ben", "cat", "dan"] {
        server.client().register(name, "a long password").await.unwrap();
        users.push(server.client().sign_in(name, "a long password").await.unwrap());
    }
    let mut threads = Vec::new();
    for (user, other) in users.iter().zip(users.iter().cycle().skip(1)) {
        threads.push(user.open_thread(other.me().await.unwrap().id).await.unwrap().id);
    }

    let acknowledged = Mutex::new(Vec::<Message>::new());
    let (stopped, warm) = (AtomicBool::new(false), Notify::new());
    let write = |n: usize| {
        let (user, thread, acknowledged, stopped, warm) =
            (&users[n], threads[n], &acknowledged, &stopped, &warm);
        async move {
            for i in 0.. {
                let sent = user.send(thread, format!("message {i} of {n}")).await.unwrap();
                let mut acknowledged = acknowledged.lock().unwrap();
                acknowledged.push(sent);
                if acknowledged.len() >= 200 {
                    warm.notify_one();
                }
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
    };
    let copy = folder(&database).join("copy.db");
    let back_up = async {
        warm.notified().await;
        let before = acknowledged.lock().unwrap().clone();
        let mut command = program::chat_server(&database, &["backup", copy.to_str().unwrap()]);
        tokio::task::spawn_blocking(move || run(&mut command, "").ok()).await.unwrap();
        stopped.store(true, Ordering::Relaxed);
        before
    };
    let (before, _) = tokio::join!(back_up, join_all((0..4).map(write)));
    assert!(before.len() < acknowledged.into_inner().unwrap().len(), "writers went on meanwhile");
    server.kill();

    let copied = format!("sqlite://{}", copy.display());
    let restored = Program::serve(&database, &["--database-url", &copied]);
    for (user, thread) in users.iter().zip(&threads) {
        let user = client(&restored.url).with_token(user.token().unwrap().clone()).unwrap();
        let there: Vec<Message> = user.thread_messages(*thread).stream().try_collect().await.unwrap();
        for message in before.iter().filter(|message| message.thread == *thread) {
            assert!(there.contains(message), "{message:?} was acknowledged");
        }
        let me = user.me().await.unwrap().id;
        let all: Vec<Message> = user.messages().stream().try_collect().await.unwrap();
        let incoming = all.iter().filter(|message| message.sender != me).count() as u64;
        assert_eq!(
            user.unread().incoming().count().await.unwrap(),
            incoming,
            "the counters are of the same moment"
        );
        user.send(*thread, "and on it goes").await.unwrap();
    }
    restored.stop();
    assert_eq!(Findings::of(&database, &["--database-url", &copied]).faults(), []);
}

/// Makes the database so large that copying it takes a while.
async fn burden(database: &Database) {
    run(&mut program::chat_server(database, &["migrate"]), "").ok();
    let ballast = "create table ballast (data blob); with recursive n(i) as (select 1 union all select i + 1 from n \
         where i < 64) insert into ballast select randomblob(1000000) from n";
    database.execute(ballast).await;
}

#[tokio::test]
async fn a_backup_that_is_stopped_leaves_nothing_behind() {
    let database = Database::sqlite();
    burden(&database).await;
    let folder = folder(&database);
    let copy = folder.join("copy.db");
    let mut command = program::chat_server(&database, &["backup", copy.to_str().unwrap()]);
    let mut backup = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while parts(&folder) == 0 {
        assert!(backup.try_wait().unwrap().is_none(), "it ended without having begun");
        tokio::task::yield_now().await;
    }
    assert!(!copy.exists(), "half a copy is not called one");
    Command::new("sh").args(["-c", "kill -TERM \"$0\"", &backup.id().to_string()]).status().unwrap();
    // On a machine that had other things to do it may have finished before.
    let status = backup.wait().unwrap().code();
    assert_eq!(status, Some(if copy.exists() { 0 } else { 1 }));
    assert_eq!(parts(&folder), 0);
}

#[tokio::test]
async fn a_backup_for_which_there_is_no_room_leaves_nothing_behind() {
    let database = Database::sqlite();
    burden(&database).await;
    let folder = folder(&database);
    let copy = folder.join("copy.db");
    let backup = program::chat_server(&database, &["backup", copy.to_str().unwrap()]);
    // A limit on the size of files stands in for the disk: 20000 blocks of 512 bytes.
    let mut limited = program::command("/bin/sh");
    limited.args(["-c", "ulimit -f 20000 && exec \"$@\"", "sh"]).arg(backup.get_program());
    limited.args(backup.get_args()).env("CHAT_DATABASE_URL", &database.url);
    let complaint = run(&mut limited, "").failed(1);
    assert!(complaint.contains("copy.db was not written"), "{complaint}");
    assert!(parts(&folder) == 0 && !copy.exists());
}
