//! Checks that every dump, even a malformed one, is refused or read completely.
//!
//! The tests generate dumps; `fuzz/` compiles this file too.

use super::django;
use chat_core::api::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// The model of an object, to count it.
///
/// The other members are not parsed. The import skips members that it does not know, so these need not be UTF-8.
#[derive(Deserialize)]
struct Model {
    model: String,
}

/// Reads any bytes as a dump, and compares the result with what serde_json reads.
pub(crate) fn dump(bytes: &[u8]) {
    let (import, report) = match django::read(bytes, Timestamp::from_micros(0)) {
        Ok(read) => read,
        Err(error) => {
            assert!(!format!("{error:#}").is_empty());
            return;
        }
    };
    assert!(!report.to_string().is_empty());
    assert_eq!(import.digest[..], Sha256::digest(bytes)[..]);
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let objects: Vec<Model> =
        serde_json::from_slice(text).expect("a dump that was read is an array of objects");
    let count = |model: &str| objects.iter().filter(|object| object.model == model).count();
    let users: HashSet<_> = import.users.iter().map(|user| user.id).collect();
    let threads: HashSet<_> = import.threads.iter().map(|thread| thread.id).collect();
    let messages: HashSet<_> = import.messages.iter().map(|message| message.id).collect();
    assert_eq!((users.len(), import.users.len()), (count("auth.user"), count("auth.user")));
    assert_eq!(import.tokens.len(), count("authtoken.token"));
    // Threads without participants are skipped, and their messages with them.
    assert!(threads.len() == import.threads.len() && threads.len() <= count("chat.thread"));
    assert!(messages.len() == import.messages.len() && messages.len() <= count("chat.message"));
    assert!(import.tokens.iter().all(|token| users.contains(&token.user)));
    assert!(
        import.threads.iter().flat_map(|thread| thread.participants.iter()).all(|user| users.contains(&user))
    );
    assert!(import.messages.iter().all(|message| users.contains(&message.sender)));
    assert!(import.messages.iter().all(|message| threads.contains(&message.thread)));
    let texts = import.messages.iter().map(|message| &message.text);
    assert!(texts.chain(import.users.iter().map(|user| &user.username)).all(|text| !text.contains('\0')));
}

#[cfg(test)]
mod tests {
    use super::dump;
    use proptest::{collection::vec, prelude::*, sample::select};
    use serde_json::json;

    const THREAD: &str = "3cff18f1-d049-43f3-9c69-fcc8948f66f6";

    /// Returns a valid id in most cases, and another value in the others.
    fn id() -> impl Strategy<Value = serde_json::Value> {
        let odd =
            vec![json!(0), json!("2"), json!(null), json!(2.0), json!(["ann"]), json!(-1), json!(u64::MAX)];
        prop_oneof![6 => (2..4_i64).prop_map(|id| json!(id)), 1 => select(odd)]
    }

    fn time() -> impl Strategy<Value = serde_json::Value> {
        select(vec![
            json!("2024-02-29T12:00:00.123Z"),
            json!("2024-02-29T12:00:00+01:00"),
            json!("2024-02-30"),
            json!(7),
        ])
    }

    fn thread() -> impl Strategy<Value = serde_json::Value> {
        prop_oneof![6 => Just(json!(THREAD)), 1 => select(vec![json!("x"), json!(null), json!(THREAD.to_uppercase())])]
    }

    fn objects() -> impl Strategy<Value = Vec<serde_json::Value>> {
        let user = (2..4_i64, select(vec!["ann", "bob", "ANN", "", "\0", "a\nb"])).prop_map(|(id, name)| {
            json!({"model": "auth.user", "pk": id, "fields": {"username": name, "password": "!"}})
        });
        let token = (select(vec!["9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b", "", "ä"]), id())
            .prop_map(|(key, user)| json!({"model": "authtoken.token", "pk": key, "fields": {"user": user}}));
        let thread_object = (thread(), vec(id(), 0..4), time()).prop_map(|(pk, users, at)| {
            let fields = json!({"participants": users, "created": at, "updated": at});
            json!({"model": "chat.thread", "pk": pk, "fields": fields})
        });
        let message = (id(), id(), thread(), time()).prop_map(|(pk, sender, thread, at)| {
            let fields =
                json!({"sender": sender, "thread": thread, "text": "hi", "created": at, "is_read": true});
            json!({"model": "chat.message", "pk": pk, "fields": fields})
        });
        let other = Just(json!({"model": "x", "pk": null, "fields": {"a": [1e300]}}));
        vec(prop_oneof![3 => user, 1 => token, 2 => thread_object, 2 => message, 1 => other], 0..6)
    }

    proptest! {
        #[test]
        fn any_dump_is_refused_or_read_completely(
            objects in objects(),
            damage in proptest::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let mut text = serde_json::to_vec(&objects).unwrap();
            if let Some((position, byte)) = damage {
                let position = position.index(text.len());
                text[position] = byte;
            }
            dump(&text);
        }

        #[test]
        fn any_bytes_are_refused_or_read_completely(bytes in vec(any::<u8>(), 0..40)) {
            dump(&bytes);
        }
    }
}
