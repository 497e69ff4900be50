//! The command `import django`.

use crate::program::Program;
use serde_json::{Value, json};

const THREAD: &str = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";
const KEY: &str = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b";

/// Returns a dump of two users, a thread and a message.
///
/// One of the users has the password 1234 and a token.
fn dump() -> Value {
    // PBKDF2-HMAC-SHA256 of 1234.
    let hash = "pbkdf2_sha256$1000$seasalt$Su9dfSsH4wvWyOW04PCozUlraloIqPr3DBwOYLtli4o=";
    json!([
        {"model": "chat.message", "pk": 17, "fields": {"sender": 5, "thread": THREAD, "text": "hello", "is_read": false,
            "created": "2024-03-01T01:00:00.123Z"}},
        {"model": "chat.thread", "pk": THREAD, "fields": {"participants": [5, 2],
            "created": "2024-03-01T00:00:00Z", "updated": "2024-03-01T01:00:00.123456Z"}},
        {"model": "sessions.session", "pk": "x", "fields": {}},
        {"model": "authtoken.token", "pk": KEY, "fields": {"user": 5, "created": "2024-03-01T00:00:00Z"}},
        {"model": "auth.user", "pk": 5, "fields": {"username": "user3", "password": hash, "is_active": true,
            "date_joined": "2024-02-29T00:00:00Z"}},
        {"model": "auth.user", "pk": 2, "fields": {"username": "user0", "password": "!", "is_active": false,
            "date_joined": "2024-02-29T00:00:00Z"}},
    ])
}

#[test]
fn imported_users_keep_their_ids_passwords_and_tokens() {
    let program = Program::new();
    program.write("dump.json", &dump().to_string());
    assert_eq!(
        program.run("import django dump.json").printed(),
        "imported: users 2, tokens 1, threads 1, messages 1\n\
         without a usable password, until `chat-server user passwd` sets one: 1 (user0)\n\
         skipped, other models: sessions.session 1\n"
    );
    let server = program.serve("");
    let (status, message) = server.request("GET", "/messages/17/", KEY, "");
    assert_eq!(
        (status, message),
        (
            200,
            json!({"id": 17, "sender": 5, "thread": THREAD, "text": "hello",
            "created": "2024-03-01T01:00:00.123000Z", "is_read": false})
        )
    );
    assert_eq!(server.sign_in("user3", "1234").0, 200);
    assert_eq!(server.sign_in("user0", "!").0, 400);
    let body = json!({"thread": THREAD, "text": "and on it goes"}).to_string();
    assert_eq!(
        server.request("POST", "/messages/", KEY, &body).1["id"],
        18,
        "new ids are above the highest imported one"
    );
}

#[test]
fn a_second_import_of_the_same_file_changes_nothing() {
    let program = Program::new();
    program.write("dump.json", &dump().to_string());
    program.run("import django dump.json").printed();
    let again = program.run_with("import django -", &dump().to_string()).printed();
    assert_eq!(again, "- was imported before; nothing was changed\n");
    assert_eq!(program.run("user list --json").json().as_array().unwrap().len(), 2);
}

#[test]
fn a_database_with_users_is_not_changed() {
    let program = Program::new();
    program.run_with("user add ann --password-stdin", "1234\n").printed();
    program.write("dump.json", &dump().to_string());
    assert_eq!(
        program.run("import django dump.json").refused(1),
        "sqlite://chat.db has users already; nothing was imported; name a new database with --database-url"
    );
    assert_eq!(program.run("user list --json").json()[0]["username"], "ann");
}

#[test]
fn a_file_of_another_format_is_refused_with_advice() {
    let program = Program::new();
    for (bytes, advice) in [
        (&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], "it is compressed with gzip; decompress it with gunzip"),
        (&b"\xff\xfe[\0{\0"[..], "it is UTF-16; convert it with iconv -f UTF-16 -t UTF-8"),
    ] {
        std::fs::write(program.path("dump.json"), bytes).unwrap();
        let refused = program.run("import django dump.json").refused(1);
        let expected =
            "nothing was imported from dump.json: it is not the JSON that Django's dumpdata writes: ";
        assert!(refused.starts_with(&format!("{expected}{advice}")), "{refused}");
    }
    let mut naive = dump();
    naive[0]["fields"]["created"] = json!("2024-03-01T01:00:00");
    program.write("dump.json", &naive.to_string());
    let refused = program.run("import django dump.json").refused(1);
    assert!(
        refused.contains("chat.message 17: its created 2024-03-01T01:00:00 has no time zone; "),
        "{refused}"
    );
    assert!(!program.path("chat.db").exists());
}

#[test]
fn a_faulty_file_is_refused_before_a_database_is_created() {
    let program = Program::new();
    let mut faulty = dump();
    faulty[0]["fields"]["sender"] = json!(99);
    program.write("dump.json", &faulty.to_string());
    assert_eq!(
        program.run("import django dump.json").refused(1),
        "nothing was imported from dump.json: chat.message 17: its sender 99 is not in the file"
    );
    assert!(!program.path("chat.db").exists());
    assert!(program.run("import django other.json").refused(1).starts_with("cannot read other.json: "));
}
