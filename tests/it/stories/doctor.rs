//! The findings of `chat-server doctor`, which changes nothing.

use chat_client::UserId;
use chat_tests::{Database, Program, on_both_databases, program, run, wait::in_time};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions, Permissions},
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

on_both_databases!(
    a_database_in_use_has_no_findings,
    a_database_that_is_written_meanwhile_has_no_findings,
    a_wrong_total_or_thread_is_a_problem,
    a_schema_of_another_version_is_reported,
    a_time_in_the_future_is_a_problem,
    ids_that_run_out_are_reported,
);

/// The findings of one run: subject, level and text of each.
#[derive(Debug)]
pub(crate) struct Findings {
    all: Vec<(String, String, String)>,
    status: Option<i32>,
}

impl Findings {
    pub(crate) fn of(database: &Database, options: &[&str]) -> Self {
        let output = run(program::chat_server(database, &["doctor", "--json"]).args(options), "");
        let report: Value = serde_json::from_str(&output.out).unwrap_or_else(|_| panic!("{output:?}"));
        let findings = report["findings"].as_array().unwrap();
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        for finding in findings {
            assert_eq!(
                finding["level"] == "ok",
                finding["advice"].is_null(),
                "advice for every finding but ok: {finding}"
            );
        }
        let all = findings.iter().map(|one| (text(one, "subject"), text(one, "level"), text(one, "text")));
        Self { all: all.collect(), status: output.status }
    }

    /// Returns the warnings and problems.
    ///
    /// Omits those about the machine. Also omits those about durability, which is switched off in the tests' own
    /// Postgres.
    #[track_caller]
    pub(crate) fn faults(&self) -> Vec<(&str, &str)> {
        let problem = self.all.iter().any(|(_, level, _)| level == "problem");
        assert_eq!(self.status, Some(i32::from(problem)), "{self:?}");
        let known = ["durability", "files", "disk"];
        let faults =
            self.all.iter().filter(|(subject, level, _)| level != "ok" && !known.contains(&&**subject));
        faults.map(|(subject, level, _)| (&**subject, &**level)).collect()
    }

    pub(super) fn text(&self, subject: &str) -> &str {
        let found = self.all.iter().find(|(found, _, _)| found == subject);
        found.map(|(_, _, text)| &**text).unwrap_or_else(|| panic!("nothing on {subject}: {self:?}"))
    }
}

/// Fills the database with the demo data. No server runs afterwards.
fn filled(database: &Database) {
    Program::serve(database, &["--demo"]).stop();
}

pub(super) fn file(database: &Database) -> PathBuf {
    database.url.strip_prefix("sqlite://").unwrap().into()
}

/// Reads all files of the database's folder, except SQLite's shared-memory file.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let kept = files.filter(|file| !file.to_str().unwrap().ends_with("-shm"));
    kept.map(|file| (file.clone(), fs::read(file).unwrap())).collect()
}

async fn a_database_in_use_has_no_findings(database: Database) {
    let server = Program::serve(&database, &["--demo"]);
    let user3 = server.client().sign_in("user3", "1234").await.unwrap();
    let thread = user3.open_thread(UserId::new(2)).await.unwrap().id;
    for n in 0..10 {
        user3.send(thread, format!("message {n}")).is_read(n % 3 == 0).await.unwrap();
    }
    user3.delete_thread(thread).await.unwrap();
    let theirs = user3.threads().await.unwrap().results[0].id;
    server.client().sign_in("user2", "1234").await.unwrap().mark_thread_read(theirs).await.unwrap();
    let findings = Findings::of(&database, &[]);
    assert_eq!(findings.faults(), []);
    let of_lists: &[&str] = if database.url.starts_with("sqlite:") {
        &["lists", "unread", "keys", "waiting"]
    } else {
        &["counters"]
    };
    for subject in ["schema", "totals", "threads", "messages", "tokens", "clock", "settings", "files"] {
        assert!(!findings.text(subject).is_empty());
    }
    assert!(of_lists.iter().all(|subject| !findings.text(subject).is_empty()));
    server.stop();
}

async fn a_database_that_is_written_meanwhile_has_no_findings(database: Database) {
    let server = Program::serve(&database, &["--demo"]);
    let user3 = server.client().sign_in("user3", "1234").await.unwrap();
    let thread = user3.open_thread(UserId::new(2)).await.unwrap().id;
    let (count, mut counted) = tokio::sync::watch::channel(0);
    let writing = tokio::spawn(async move {
        while count.receiver_count() > 0 {
            let id = user3.send(thread, "a message").await.unwrap().id;
            user3.mark_message_read(id).await.unwrap();
            count.send_modify(|count| *count += 1);
        }
    });
    for _ in 0..5 {
        let before = *counted.borrow();
        assert_eq!(Findings::of(&database, &[]).faults(), []);
        in_time("a message is sent", counted.wait_for(|count| *count > before)).await.unwrap();
    }
    drop(counted);
    writing.await.unwrap();
    server.stop();
}

async fn a_wrong_total_or_thread_is_a_problem(database: Database) {
    let totals = ("totals", "update totals set count = count + 1", "update totals set count = count - 1");
    let threads = (
        "threads",
        "update threads set canonical = false where seq = 1",
        "update threads set canonical = true where seq = 1",
    );
    are_problems(&database, &[totals, threads]).await;
}

#[tokio::test]
async fn a_wrong_counter_or_reference_of_postgres_is_a_problem() {
    let unread = (
        "counters",
        "update counters set unread = unread + 1 where user_id = 5",
        "update counters set unread = unread - 1 where user_id = 5",
    );
    let other =
        ("counters", "insert into counters values (99, 0, 0, 1)", "delete from counters where user_id = 99");
    let messages = (
        "messages",
        "update messages set user_low = user_low - 1 where id = 501",
        "update messages set user_low = user_low + 1 where id = 501",
    );
    are_problems(&Database::postgres().await, &[unread, other, messages]).await;
}

/// Checks that each damage is a problem of a subject until it is repaired.
async fn are_problems(database: &Database, damages: &[(&str, &str, &str)]) {
    filled(database);
    for (subject, damage, repair) in damages {
        database.execute(*damage).await;
        let findings = Findings::of(database, &[]);
        assert!(findings.faults().contains(&(subject, "problem")), "{damage}: {findings:?}");
        database.execute(*repair).await;
        assert_eq!(Findings::of(database, &[]).faults(), [], "{repair}");
    }
}

async fn a_schema_of_another_version_is_reported(database: Database) {
    if database.url.starts_with("sqlite:") {
        fs::write(file(&database), "").unwrap();
        fs::set_permissions(file(&database), Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(Findings::of(&database, &[]).faults(), [("schema", "warning")], "there is none yet");
    filled(&database);
    database.execute("update _sqlx_migrations set success = false").await;
    assert_eq!(Findings::of(&database, &[]).faults(), [("schema", "problem")]);
    database.execute("update _sqlx_migrations set success = true, version = 9997 + version").await;
    let findings = Findings::of(&database, &[]);
    assert_eq!(findings.faults(), [("schema", "problem")]);
    assert!(findings.text("schema").contains("9999"), "{findings:?}");
}

async fn a_time_in_the_future_is_a_problem(database: Database) {
    filled(&database);
    database.execute("update messages set created = 32503680000000000 where id = 600").await;
    if database.url.starts_with("sqlite:") {
        // The list of the thread has the time too.
        database.execute("update lists set updated = 32503680000000000 where list = 2").await;
    }
    let findings = Findings::of(&database, &[]);
    assert_eq!(findings.faults(), [("clock", "problem")]);
    assert!(findings.text("clock").contains("3000-01-01"), "{findings:?}");
}

async fn ids_that_run_out_are_reported(database: Database) {
    filled(&database);
    let findings = Findings::of(&database, &[]);
    assert_eq!(findings.faults(), []);
    assert!(
        findings.text("ids").contains("messages 600; there is room for 9223372036854775207 more"),
        "{findings:?}"
    );
    for (left, level) in [(1_i64 << 39, "warning"), (1 << 31, "problem"), (1, "problem")] {
        let last = i64::MAX - left;
        let used_up = if database.url.starts_with("sqlite:") {
            format!("update state set next = {last} + 1, behind = {last} + 1")
        } else {
            format!("select setval('messages_id_seq', {last})")
        };
        database.execute(used_up).await;
        let findings = Findings::of(&database, &[]);
        assert_eq!(findings.faults(), [("ids", level)]);
        assert!(findings.text("ids").contains(&format!("room for {left} more")), "{findings:?}");
    }
}

/// No foreign key refuses a message without a thread.
#[tokio::test]
async fn a_message_without_a_thread_is_a_problem() {
    let database = Database::postgres().await;
    filled(&database);
    database
        .execute(
            "create table kept as select * from threads where seq = 1; delete from threads where seq = 1",
        )
        .await;
    let findings = Findings::of(&database, &[]);
    assert_eq!(findings.faults(), [("messages", "problem")]);
    assert!(findings.text("messages").contains("messages have no thread"), "{findings:?}");
    let examined = run(&mut program::chat_server(&database, &["doctor"]), "");
    assert!(examined.out.contains("restore the last backup that passes"), "{examined:?}");
    database.execute("insert into threads select * from kept; drop table kept").await;
    assert_eq!(Findings::of(&database, &[]).faults(), []);
}

/// Logical replication copies rows and not sequences.
#[tokio::test]
async fn a_sequence_behind_its_table_is_a_problem() {
    let database = Database::postgres().await;
    filled(&database);
    for (sequence, last) in
        [("users_id_seq", 3), ("threads_seq_seq", 1), ("messages_id_seq", 510), ("list_versions", 1)]
    {
        let repair = format!("select setval('{sequence}', ");
        database.execute(format!("{repair}{last})")).await;
        let examined = run(&mut program::chat_server(&database, &["doctor"]), "");
        assert!(examined.out.contains(&repair), "{examined:?}");
        assert_eq!(Findings::of(&database, &[]).faults(), [("sequences", "problem")]);
        let advice = examined.out.split_once(&repair).unwrap().1.split_once(')').unwrap().0;
        database.execute(format!("{repair}{advice})")).await;
        assert_eq!(Findings::of(&database, &[]).faults(), []);
    }
}

#[test]
fn doctor_creates_and_changes_nothing() {
    let database = Database::sqlite();
    let folder = file(&database).parent().unwrap().to_owned();
    assert_eq!(Findings::of(&database, &[]).faults(), [("database", "problem")]);
    assert_eq!(files(&folder), BTreeMap::new());

    let server = Program::serve(&database, &["--demo"]);
    let before = files(&folder);
    assert_eq!(Findings::of(&database, &[]).faults(), []);
    assert_eq!(files(&folder), before, "with a server running");
    server.kill();
    assert_eq!(Findings::of(&database, &[]).faults(), []);
    assert_eq!(files(&folder), before, "after a crash");
    Program::serve(&database, &[]).stop();
    let before = files(&folder);
    assert_eq!(Findings::of(&database, &[]).faults(), []);
    assert_eq!(files(&folder), before, "without a server");
}

#[test]
fn a_damaged_file_is_a_problem() {
    let database = Database::sqlite();
    filled(&database);
    let data = OpenOptions::new().write(true).open(file(&database)).unwrap();
    // The first page has the schema. The start of each page from the third on is overwritten.
    for page in 2..(data.metadata().unwrap().len() / 4096) {
        data.write_all_at(b"scribble", page * 4096).unwrap();
    }
    assert_eq!(Findings::of(&database, &[]).faults()[0], ("integrity", "problem"));
    fs::write(file(&database), "no database at all".repeat(1000)).unwrap();
    assert_eq!(Findings::of(&database, &[]).faults(), [("database", "problem")]);
}

#[test]
fn files_that_other_users_may_read_are_reported() {
    let database = Database::sqlite();
    filled(&database);
    fs::set_permissions(file(&database), Permissions::from_mode(0o644)).unwrap();
    assert_eq!(Findings::of(&database, &[]).faults(), [("rights", "warning")]);
    let printed = run(&mut program::chat_server(&database, &["doctor"]), "").ok();
    let advice = format!("         → chmod 600 {}\n", fs::canonicalize(file(&database)).unwrap().display());
    assert!(printed.contains("warning  rights: ") && printed.contains(&advice), "{printed}");
}

#[test]
fn dangerous_settings_are_reported() {
    let database = Database::sqlite();
    filled(&database);
    let warnings = |options: &[&str]| Findings::of(&database, options).faults().len();
    for options in [
        &["--listen", "0.0.0.0:8000"][..],
        &["--metrics-listen", "[::]:9100"],
        &["--open-registration", "--no-rate-limits"],
        &["--no-sync"],
        &["--request-timeout", "5"],
        &["--database-url", "sqlite::memory:"],
    ] {
        assert_eq!(warnings(options), 1, "{options:?}");
    }
    for options in [
        &["--listen", "0.0.0.0:8000", "--trusted-proxies", "192.0.2.1"][..],
        &["--metrics-listen", "127.0.0.1:9100"],
        &["--open-registration"],
        &["--listen", "[::1]:8000", "--no-rate-limits"],
    ] {
        assert_eq!(warnings(options), 0, "{options:?}");
    }
    let few = Findings::of(&database, &["--max-connections", "100000000"]);
    assert!(few.text("files").contains("100000000"), "{few:?}");
}

#[tokio::test]
async fn problems_of_a_postgres_server_are_reported() {
    let database = Database::postgres().await;
    filled(&database);
    let findings = Findings::of(&database, &["--postgres-connections", "100000"]);
    assert_eq!(findings.faults(), [("connections", "problem")]);
    let invalid = "update pg_index set indisvalid = false where indexrelid = 'messages_thread'::regclass";
    database.execute(invalid).await;
    let findings = Findings::of(&database, &[]);
    assert_eq!(findings.faults(), [("indexes", "problem")]);
    assert!(findings.text("indexes").contains("messages_thread"), "{findings:?}");
}
