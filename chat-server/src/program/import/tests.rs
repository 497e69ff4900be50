//! The import of a dump, and every reason to refuse one.

use super::django;
use chat_core::{
    api::Timestamp,
    auth::token,
    store::{Import, PasswordHash},
};
use serde_json::{Value, json};

const THREAD: &str = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";
const OTHER: &str = "7b0befd9-89b3-4e00-a03e-f6698e4f82cd";
const KEY: &str = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b";
const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn user(id: i64, name: &str) -> Value {
    json!({"model": "auth.user", "pk": id, "fields": {
        "username": name, "is_active": true, "date_joined": "2024-02-29T12:00:00.123Z", "email": "", "groups": [],
        "password": "pbkdf2_sha256$1000$seasalt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    }})
}

fn token(key: &str, user: i64) -> Value {
    json!({"model": "authtoken.token", "pk": key, "fields": {"user": user, "created": "2024-03-01T00:00:00Z"}})
}

fn thread(id: &str, participants: &[i64]) -> Value {
    json!({"model": "chat.thread", "pk": id, "fields": {
        "participants": participants, "created": "2024-03-01T00:00:00.123456Z", "updated": "2024-03-02T00:00:00Z",
    }})
}

fn message(id: i64, sender: i64, thread: &str) -> Value {
    json!({"model": "chat.message", "pk": id, "fields": {
        "sender": sender, "thread": thread, "text": "hello", "created": "2024-03-01T01:00:00Z", "is_read": false,
    }})
}

/// Replaces one value of an object.
fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    *object.pointer_mut(pointer).unwrap() = value;
    object
}

/// Returns a dump of ann and bob, with a token, a thread and a message.
fn small() -> Vec<Value> {
    vec![user(2, "ann"), user(3, "bob"), token(KEY, 2), thread(THREAD, &[3, 2]), message(17, 3, THREAD)]
}

fn read(objects: &[Value]) -> Result<(Import, String), String> {
    read_text(&serde_json::to_string(objects).unwrap())
}

fn read_text(dump: &str) -> Result<(Import, String), String> {
    match django::read(dump.as_bytes(), NOW) {
        Ok((import, report)) => Ok((import, report.to_string())),
        Err(error) => Err(format!("{error:#}")),
    }
}

/// Returns the error of the small dump with one more object.
fn refusal(object: Value) -> String {
    let mut objects = small();
    objects.push(object);
    read(&objects).unwrap_err()
}

#[test]
fn everything_keeps_its_id() {
    let (import, report) = read(&small()).unwrap();
    let [ann, bob] = &import.users[..] else { panic!("two users") };
    assert_eq!((ann.id.get(), &*ann.username, ann.active), (2, "ann", true));
    assert_eq!(ann.created.to_string(), "2024-02-29T12:00:00.123000Z");
    assert!(bob.password.expose().starts_with("pbkdf2_sha256$1000$seasalt$"));
    assert_eq!((import.tokens[0].hash, import.tokens[0].user), (token::hash(KEY), ann.id));
    let thread = &import.threads[0];
    assert_eq!(
        (thread.id.to_string(), thread.participants.first(), thread.participants.second()),
        (THREAD.to_owned(), ann.id, Some(bob.id))
    );
    assert_eq!(thread.created.to_string(), "2024-03-01T00:00:00.123456Z");
    assert_eq!(thread.updated.to_string(), "2024-03-02T00:00:00Z");
    let message = &import.messages[0];
    assert_eq!((message.id.get(), message.sender, message.thread), (17, bob.id, thread.id));
    assert_eq!((&*message.text, message.is_read), ("hello", false));
    assert_eq!(report, "imported: users 2, tokens 1, threads 1, messages 1");
}

#[test]
fn objects_may_come_in_any_order_and_models_after_their_fields() {
    let mut objects = small();
    objects.reverse();
    let (import, _) = read(&objects).unwrap();
    assert_eq!((import.users.len(), import.messages.len()), (2, 1));
    let (import, _) =
        read_text(r#"[{"fields": {"password": "!", "username": "ann"}, "pk": "7", "model": "auth.user"}]"#)
            .unwrap();
    assert_eq!(import.users[0].id.get(), 7, "a pk may be text");
    assert_eq!((import.users[0].active, import.users[0].created), (true, NOW), "the defaults");
}

#[test]
fn threads_keep_the_order_of_the_file_and_messages_are_sorted_by_id() {
    let mut objects = small();
    objects.insert(0, thread(OTHER, &[2, 3]));
    objects.push(message(5, 2, OTHER));
    let (import, _) = read(&objects).unwrap();
    assert_eq!(import.threads.iter().map(|t| t.id.to_string()).collect::<Vec<_>>(), [OTHER, THREAD]);
    assert_eq!(import.messages.iter().map(|m| m.id.get()).collect::<Vec<_>>(), [5, 17]);
}

#[test]
fn the_digest_is_that_of_the_whole_file() {
    let digest = |dump: &str| read_text(dump).unwrap().0.digest;
    // Computed with sha256sum.
    assert_eq!(hex(digest("[]")), "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945");
    assert_ne!(digest("[]"), digest("[]\n"));
    assert_ne!(digest("[]"), digest("\u{feff}[]"));
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn passwords_that_cannot_be_verified_are_unusable_and_named() {
    let mut objects = small();
    objects.push(with(user(4, "cleo"), "/fields/password", json!("!x8f")));
    objects.push(with(user(5, "dan"), "/fields/password", json!("md5$salt$0123")));
    let (import, report) = read(&objects).unwrap();
    assert_eq!(import.users[2].password, PasswordHash::unusable());
    assert_eq!(
        report.lines().nth(1),
        Some("without a usable password, until `chat-server user passwd` sets one: 2 (cleo, dan)")
    );
}

#[test]
fn a_thread_without_participants_is_skipped_with_its_messages() {
    let mut objects = small();
    objects.extend([thread(OTHER, &[]), message(18, 2, OTHER), message(19, 3, OTHER)]);
    let (import, report) = read(&objects).unwrap();
    assert_eq!((import.threads.len(), import.messages.len()), (1, 1));
    let expected = format!("skipped, threads without participants: 1 ({OTHER}), with 2 messages");
    assert_eq!(report.lines().nth(1), Some(&*expected));
}

#[test]
fn a_participant_counts_once_and_a_sender_need_not_be_one() {
    let mut objects = small();
    objects.extend([user(4, "cleo"), thread(OTHER, &[2, 2]), message(18, 4, OTHER)]);
    let (import, _) = read(&objects).unwrap();
    assert_eq!(import.threads[1].participants.second(), None);
    assert_eq!(import.messages[1].sender.get(), 4);
}

#[test]
fn other_models_are_counted_and_skipped() {
    let mut objects = small();
    for pk in 1..=3 {
        objects.push(json!({"model": "admin.logentry", "pk": pk, "fields": {"user": ["ann"]}}));
    }
    let (_, report) = read(&objects).unwrap();
    assert_eq!(report.lines().nth(1), Some("skipped, other models: admin.logentry 3"));
}

#[test]
fn texts_are_imported_unchanged() {
    let long = format!("  {}\n", "ä".repeat(1000));
    let mut objects = small();
    objects.push(with(message(18, 2, THREAD), "/fields/text", json!(long)));
    assert_eq!(read(&objects).unwrap().0.messages[1].text, long);
}

#[test]
fn a_token_of_another_form_is_kept_if_it_can_be_sent() {
    let mut objects = small();
    objects.push(token("short-key", 3));
    assert_eq!(read(&objects).unwrap().0.tokens[1].hash, token::hash("short-key"));
    for key in ["", "two words", "schlüssel"] {
        assert_eq!(
            refusal(token(key, 3)),
            "authtoken.token, object 6: its key is not a text of visible ASCII characters, so it cannot be \
             sent in a header"
        );
    }
}

#[test]
fn a_missing_reference_is_named() {
    assert_eq!(refusal(message(18, 99, THREAD)), "chat.message 18: its sender 99 is not in the file");
    assert_eq!(
        refusal(message(18, 2, OTHER)),
        format!("chat.message 18: its thread {OTHER} is not in the file")
    );
    assert_eq!(
        refusal(thread(OTHER, &[2, 99])),
        format!("chat.thread {OTHER}: its participant 99 is not in the file")
    );
    let no_sender = with(message(18, 2, THREAD), "/fields/sender", Value::Null);
    assert_eq!(refusal(no_sender), "chat.message 18: its sender is missing");
    assert_eq!(refusal(token("k", 99)), "authtoken.token: its user 99 is not in the file");
}

#[test]
fn a_duplicate_is_named_without_its_secret() {
    assert_eq!(refusal(user(2, "cleo")), "auth.user 2: it is in the file twice");
    assert_eq!(refusal(user(4, "ann")), "auth.user 4: its username ann is also that of auth.user 2");
    assert_eq!(refusal(token(KEY, 3)), "authtoken.token, object 6: the same token is in the file twice");
    assert_eq!(refusal(message(17, 2, THREAD)), "chat.message 17: it is in the file twice");
    let spelling = THREAD.to_uppercase();
    assert_eq!(refusal(thread(&spelling, &[2])), format!("chat.thread {spelling}: it is in the file twice"));
    let mut objects = small();
    objects.push(user(4, "Ann"));
    assert_eq!(read(&objects).unwrap().0.users.len(), 3, "names are case-sensitive");
}

#[test]
fn invalid_ids_are_named() {
    let above = [json!(4_611_686_018_427_387_905_u64), json!(9_223_372_036_854_775_808_u64)];
    for id in [json!(0), json!(-3), json!(1.5), json!("x"), json!(true)].into_iter().chain(above) {
        let refusal = refusal(with(user(4, "cleo"), "/pk", id));
        assert!(refusal.contains("its id is not an integer from 1 to 4611686018427387904"), "{refusal}");
    }
    assert_eq!(refusal(thread("17", &[2])), "chat.thread 17: its id is not a UUID");
    assert_eq!(
        refusal(thread(OTHER, &[2, 3, 2, 17])),
        format!("chat.thread {OTHER}: it has 3 participants; a thread has two")
    );
}

#[test]
fn natural_keys_are_refused_with_advice() {
    let mut nameless = user(4, "cleo");
    nameless.as_object_mut().unwrap().remove("pk");
    assert_eq!(
        refusal(nameless),
        "auth.user, object 6: its id is missing; dump again without --natural-primary"
    );
    assert_eq!(
        refusal(with(thread(OTHER, &[2]), "/fields/participants", json!([["ann"], ["bob"]]))),
        format!(
            "chat.thread {OTHER}: its participant is given by name; dump again without --natural-foreign"
        )
    );
    assert_eq!(
        refusal(with(message(18, 2, THREAD), "/fields/sender", json!(["ann"]))),
        "chat.message 18: its sender is given by name; dump again without --natural-foreign"
    );
}

#[test]
fn the_character_that_postgres_cannot_store_is_refused() {
    for (object, what) in [
        (with(message(18, 2, THREAD), "/fields/text", json!("a\0b")), "chat.message 18: its text"),
        (with(user(4, "cleo"), "/fields/username", json!("a\0b")), "auth.user 4: its username"),
        (
            with(user(4, "cleo"), "/fields/password", json!("pbkdf2_sha256$1$\0$x")),
            "auth.user 4: its password",
        ),
    ] {
        assert_eq!(refusal(object), format!("{what} contains the character U+0000; remove it from the file"));
    }
}

#[test]
fn an_invalid_field_is_named_with_its_object() {
    let mut bare = message(18, 2, THREAD);
    bare["fields"].as_object_mut().unwrap().remove("created");
    assert_eq!(refusal(bare), "chat.message 18: missing field `created`");
    let when = with(message(18, 2, THREAD), "/fields/created", json!("yesterday"));
    assert_eq!(
        refusal(when),
        "chat.message 18: its created is not a time such as 2026-01-31T12:00:00.123456Z"
    );
}

#[test]
fn a_time_after_the_year_9998_is_named_with_its_object() {
    let late = "9999-12-31T23:59:59.999Z";
    for (object, what) in [
        (with(user(4, "cleo"), "/fields/date_joined", json!(late)), "auth.user 4: its date_joined"),
        (with(token("other", 2), "/fields/created", json!(late)), "authtoken.token, object 6: its created"),
        (
            with(thread(OTHER, &[2]), "/fields/updated", json!(late)),
            "chat.thread 7b0befd9-89b3-4e00-a03e-f6698e4f82cd: its updated",
        ),
        (with(message(18, 2, THREAD), "/fields/created", json!(late)), "chat.message 18: its created"),
        (
            with(message(18, 2, THREAD), "/fields/created", json!("9998-12-31T23:59:59-05:00")),
            "chat.message 18: its created",
        ),
        (
            with(message(18, 2, THREAD), "/fields/created", json!("+010000-01-01T00:00:00Z")),
            "chat.message 18: its created",
        ),
    ] {
        assert_eq!(refusal(object), format!("{what} is after the year 9998"));
    }
    let mut objects = small();
    objects.push(with(message(18, 2, THREAD), "/fields/created", json!("9999-01-01T03:00:00+05:00")));
    let (import, _) = read(&objects).unwrap();
    assert_eq!(import.messages[1].created.to_string(), "9998-12-31T22:00:00Z");
}

#[test]
fn a_file_that_is_not_a_dump_is_refused() {
    for text in ["", "{}", "[1]", "[{\"pk\": 1}]", "[] x", "[{\"model\": \"auth.user\"", "CREATE TABLE"] {
        let refusal = read_text(text).unwrap_err();
        assert!(refusal.starts_with("it is not the JSON that Django's dumpdata writes: "), "{refusal}");
    }
}

#[test]
fn a_file_of_another_format_is_named_with_advice() {
    let dump = serde_json::to_string(&small()).unwrap();
    let utf_16 = |bytes: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        format!("{mark}{dump}").encode_utf16().flat_map(bytes).collect()
    };
    let latin_1 = dump.bytes().map(|byte| if byte == b'l' { 0xe4 } else { byte }).collect();
    let lines: String = small().iter().map(|object| format!("{object}\n")).collect();
    for (bytes, what, advice) in [
        (b"\x1f\x8b\x08\0\0".to_vec(), "compressed with gzip", "gunzip"),
        (b"\x28\xb5\x2f\xfd\x04".to_vec(), "compressed with zstd", "unzstd"),
        (b"PK\x03\x04\x14".to_vec(), "a ZIP archive", "unzip"),
        (b"SQLite format 3\0".to_vec(), "an SQLite database", "manage.py dumpdata"),
        (utf_16(u16::to_le_bytes, "\u{feff}"), "UTF-16", "iconv -f UTF-16 -t UTF-8"),
        (utf_16(u16::to_be_bytes, "\u{feff}"), "UTF-16", "iconv"),
        (utf_16(u16::to_le_bytes, ""), "UTF-16", "iconv"),
        (utf_16(u16::to_be_bytes, ""), "UTF-16", "iconv"),
        (lines.into_bytes(), "as JSON Lines does", "--format=json"),
        (b"<?xml version=\"1.0\"?>".to_vec(), "XML", "--format=json"),
        (b"- model: auth.user\n".to_vec(), "YAML", "--format=json"),
        (format!("Loading .env\n\n{dump}").into_bytes(), "begins on line 3", "--output dump.json"),
        (format!("[INFO] start\n{dump}").into_bytes(), "begins on line 2", "remove that text"),
        (format!("{dump}\nDone.\n").into_bytes(), "other text follows the array", "remove that text"),
        (dump.as_bytes()[..dump.len() - 9].to_vec(), "incomplete", "dump again"),
        (b" \n".to_vec(), "empty", "dumpdata did not fail"),
        (latin_1, "not UTF-8", "iconv"),
    ] {
        let error = format!("{:#}", django::read(&*bytes, NOW).unwrap_err());
        assert!(error.starts_with("it is not the JSON that Django's dumpdata writes: "), "{error}");
        assert!(error.contains(what) && error.contains(advice), "{what}: {error}");
    }
}

/// A source that returns one byte for each read, as a slow pipe may.
struct Trickle<'a>(&'a [u8]);

impl std::io::Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(1);
        self.0.read(&mut buffer[..length])
    }
}

#[test]
fn numbers_that_json_does_not_have_are_named() {
    // Before and after the first bytes, which are read separately.
    for padding in [0, 5000] {
        for number in ["NaN", "Infinity", "-Infinity"] {
            let other = format!(r#"{{"model": "a.b", "pk": 1, "fields": {{"x": {number}}}}}"#);
            let dump = format!("[{}{other}]", " ".repeat(padding));
            for error in [
                read_text(&dump).unwrap_err(),
                format!("{:#}", django::read(Trickle(dump.as_bytes()), NOW).unwrap_err()),
            ] {
                assert!(error.contains("it has NaN or Infinity at line 1 column "), "{error}");
                assert!(error.contains("manage.py dumpdata auth.user authtoken chat"), "{error}");
            }
        }
    }
    let error = read_text("[{\"model\": nothing}]").unwrap_err();
    assert!(!error.contains("NaN"), "{error}");
}

#[test]
fn times_without_a_zone_are_named_with_advice() {
    let naive = |object, pointer: &str| refusal(with(object, pointer, json!("2024-03-01T01:00:00.123")));
    for (refusal, name) in [
        (naive(message(18, 2, THREAD), "/fields/created"), "chat.message 18: its created"),
        (naive(user(4, "cleo"), "/fields/date_joined"), "auth.user 4: its date_joined"),
        (naive(thread(OTHER, &[2]), "/fields/updated"), &*format!("chat.thread {OTHER}: its updated")),
        (naive(token("k", 3), "/fields/created"), "authtoken.token, object 6: its created"),
    ] {
        let expected = format!("{name} 2024-03-01T01:00:00.123 has no time zone; set USE_TZ = True");
        assert!(refusal.starts_with(&expected), "{refusal}");
    }
    let mut objects = small();
    objects.push(with(message(18, 2, THREAD), "/fields/created", json!("2024-03-01T01:00:00+02:00")));
    let (import, _) = read(&objects).unwrap();
    assert_eq!(import.messages[1].created.to_string(), "2024-02-29T23:00:00Z");
}

#[test]
fn another_user_model_is_named_with_advice() {
    let mut objects = small();
    for object in &mut objects {
        if object["model"] == "auth.user" {
            object["model"] = json!("accounts.member");
        }
    }
    let refusal = read(&objects).unwrap_err();
    assert!(
        refusal.starts_with("its users are of the model accounts.member, and not of auth.user; "),
        "{refusal}"
    );
    assert!(refusal.contains(r#"sed 's/"model": "accounts.member"/"model": "auth.user"/g'"#), "{refusal}");

    // If the dump has objects of auth.user, an object of another model with a password is skipped.
    let mut objects = small();
    objects.push(with(user(9, "mail"), "/model", json!("mail.account")));
    assert!(read(&objects).unwrap().1.contains("skipped, other models: mail.account 1"));
}

#[test]
fn an_object_without_an_end_is_refused() {
    for start in [r#"[{"model": ""#, r#"[{"model": "x", "fields": ["#, "["] {
        let endless = std::io::Read::chain(start.as_bytes(), std::io::repeat(b' '));
        let error = format!("{:#}", django::read(endless, NOW).unwrap_err());
        assert!(error.contains("an object is larger than 16 MiB"), "{error}");
    }
}
