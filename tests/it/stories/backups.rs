//! Backups of a database in use.
//!
//! A backup contains everything that was acknowledged before it began. A failed backup leaves no file.

use super::doctor::Findings;
use chat_client::{Client, Message, ThreadId};
use chat_tests::{
    Database, Program, program, run,
    server::client,
    wait::{ended, until},
};
use futures_util::{TryStreamExt as _, future::join_all};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;

fn folder(database: &Database) -> PathBuf {
    Path::new(database.url.strip_prefix("sqlite://").unwrap()).parent().unwrap().to_owned()
}

/// Counts unfinished copies in a folder.
fn parts(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".part")).count()
}

/// Messages that several writers send until they are stopped.
#[derive(Default)]
struct Writing {
    acknowledged: Mutex<Vec<Message>>,
    stopped: AtomicBool,
    /// Notified once many messages are acknowledged.
    many_acknowledged: Notify,
}

impl Writing {
    async fn write(&self, user: &Client, thread: ThreadId) {
        for n in 0.. {
            let sent = user.send(thread, format!("message {n}")).await.unwrap();
            let mut acknowledged = self.acknowledged.lock().unwrap();
            acknowledged.push(sent);
            if acknowledged.len() >= 200 {
                self.many_acknowledged.notify_one();
            }
            if self.stopped.load(Ordering::Relaxed) {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_during_writes_has_everything_acknowledged_before_it() {
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

    let writing = Writing::default();
    let copy = folder(&database).join("copy.db");
    let back_up = async {
        writing.many_acknowledged.notified().await;
        let before = writing.acknowledged.lock().unwrap().clone();
        let mut command = program::chat_server(&database, &["backup", copy.to_str().unwrap()]);
        tokio::task::spawn_blocking(move || run(&mut command, "").ok()).await.unwrap();
        writing.stopped.store(true, Ordering::Relaxed);
        before
    };
    let writers = users.iter().zip(&threads).map(|(user, thread)| writing.write(user, *thread));
    let (before, _) = tokio::join!(back_up, join_all(writers));
    assert!(
        before.len() < writing.acknowledged.into_inner().unwrap().len(),
        "writers wrote during the backup"
    );
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
            "the counters are of the same snapshot as the messages"
        );
        user.send(*thread, "and on it goes").await.unwrap();
    }
    restored.stop();
    assert_eq!(Findings::of(&database, &["--database-url", &copied]).faults(), []);
}

/// Makes the database so large that a copy takes a while.
async fn enlarge(database: &Database) {
    run(&mut program::chat_server(database, &["migrate"]), "").ok();
    let filler = "create table filler (data blob); with recursive n(i) as (select 1 union all select i + 1 from n \
         where i < 64) insert into filler select randomblob(1000000) from n";
    database.execute(filler).await;
}

#[tokio::test]
async fn a_terminated_backup_leaves_no_file() {
    let database = Database::sqlite();
    enlarge(&database).await;
    let folder = folder(&database);
    let copy = folder.join("copy.db");
    // On a slow machine a backup may finish before the signal. Then the next one is terminated.
    until("a backup is terminated", async || {
        let mut command = program::chat_server(&database, &["backup", copy.to_str().unwrap()]);
        let mut backup = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while parts(&folder) == 0 && backup.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        if backup.try_wait().unwrap().is_none() {
            program::send_signal(backup.id(), "TERM");
        }
        let status = ended(&mut backup).code();
        assert_eq!(parts(&folder), 0);
        assert_eq!(status, Some(if copy.exists() { 0 } else { 1 }));
        let is_terminated = !copy.exists();
        if !is_terminated {
            fs::remove_file(&copy).unwrap();
        }
        is_terminated
    })
    .await;
}

#[tokio::test]
async fn a_backup_on_a_full_disk_leaves_no_file() {
    let database = Database::sqlite();
    enlarge(&database).await;
    let folder = folder(&database);
    let copy = folder.join("copy.db");
    let backup = program::chat_server(&database, &["backup", copy.to_str().unwrap()]);
    // A file size limit of 20000 blocks of 512 bytes stands for a full disk.
    let mut limited = program::command("/bin/sh");
    limited.args(["-c", "ulimit -f 20000 && exec \"$@\"", "sh"]).arg(backup.get_program());
    limited.args(backup.get_args()).env("CHAT_DATABASE_URL", &database.url);
    let stderr = run(&mut limited, "").failed(1);
    assert!(stderr.contains("copy.db was not written"), "{stderr}");
    assert!(parts(&folder) == 0 && !copy.exists());
}
