//! Generated hostile input, for some seconds.
//!
//! The fuzz targets in `fuzz/` run the same checks for longer. `PROPTEST_CASES` sets the number of cases of each kind.

use chat_tests::hostile;
use proptest::{collection::vec, prelude::*, sample::select};

/// Generates texts of known pieces, arbitrary characters and arbitrary bytes.
fn pieces(known: &[&'static str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let known = select(known.to_vec()).prop_map(|piece| piece.as_bytes().to_vec());
    let text = any::<char>().prop_map(|c| c.to_string().into_bytes());
    vec(prop_oneof![12 => known, 1 => text, 1 => vec(any::<u8>(), 1..4)], 0..16)
        .prop_map(|pieces| pieces.concat())
}

/// A pattern of numbers that are valid or nearly valid.
const NUMBER: &str = "[ \u{a0}]?[+-]?0{0,2}[0-4]?[ _.]?";

/// Generates query strings, mostly with `limit` and `offset`.
///
/// A plus sign is percent-encoded. A blank is written as `+` or `%20`.
fn page_queries() -> impl Strategy<Value = Vec<u8>> {
    let name = select(vec!["limit", "offset", "limit", "offset", "a", "%6cimit", ""]);
    let pair = (name, NUMBER, any::<bool>()).prop_map(|(name, number, plus)| {
        let blank = if plus { "+" } else { "%20" };
        format!("{name}={}", number.replace('+', "%2B").replace([' ', '\u{a0}'], blank))
    });
    vec(pair, 0..5).prop_map(|pairs| pairs.join("&").into_bytes())
}

/// Generates JSON documents, mostly of the known fields.
///
/// In some of them one byte is replaced.
fn documents() -> impl Strategy<Value = Vec<u8>> {
    let scalar = select(vec![
        "null",
        "true",
        "false",
        "0",
        "1",
        "1.0",
        "-0",
        "1e400",
        "2e0",
        "\"\"",
        "\" yes\"",
        "\"TRUE\"",
        "\" x \"",
        "\"\\u0000\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\udc00\"",
        "\"\\u001c\"",
        "\"\u{200b}\"",
        "\"\\\\\\\"\"",
        "01",
        "nul",
        "'x'",
        "\u{feff}",
    ]);
    let value = scalar.prop_map(str::to_owned).prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            inner.prop_map(|value| format!("{{\"text\": {value}}}")),
        ]
    });
    let name = select(vec!["text", "is_read", "text", "is_read", "thread", "te\\u0078t", ""]);
    let member =
        (name, prop_oneof![8 => value, 1 => (240..260_usize).prop_map(|n| format!("\"{}\"", "ä".repeat(n)))]);
    let object = vec(member, 0..4).prop_map(|members| {
        let members: Vec<_> =
            members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(" ,\n")).into_bytes()
    });
    let damage = proptest::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>()));
    (object, damage).prop_map(|(mut object, damage)| {
        if let Some((place, byte)) = damage {
            let place = place.index(object.len());
            object[place] = byte;
        }
        object
    })
}

proptest! {
    #[test]
    fn json_bodies(body in documents()) {
        hostile::json(&body);
    }

    #[test]
    fn json_bodies_in_pieces(body in pieces(&["{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "d800", "text", "1", "e9", ".", "-", " "])) {
        hostile::json(&body);
    }

    #[test]
    fn forms(body in pieces(&["text=", "is_read=", "thread=", "&", "=", "%", "%2", "%c3%a4", "%00", "+", "true", "OFF", "hello", ";"])) {
        hostile::form(&body);
    }

    #[test]
    fn ids_of_messages(id in prop_oneof![NUMBER.prop_map(String::into_bytes), pieces(&["1", "0", "2", "+", "-", " ", "\u{a0}", ".", "_", "99999999999999999999", "unread", "\u{ff11}", "/"])]) {
        hostile::message_path(&id);
    }

    #[test]
    fn ids_of_threads(id in pieces(&[
        "3cff18f1", "-", "d049", "43f3", "9c69", "fcc8948f66f6", "{", "}", "urn:", "uuid:", "3cff18f1d04943f39c69fcc8948f66f6", "+", " ",
    ])) {
        hostile::thread_path(&id);
    }

    #[test]
    fn targets(bytes in pieces(&["/", "/chat-api", "/messages", "/threads", "/users", "?", "%2f", "%", "..", "//", "limit=1", "#", "*", "http://", "@", ":"])) {
        hostile::target(&bytes);
    }

    #[test]
    fn queries(bytes in prop_oneof![page_queries(), pieces(&["limit=", "offset=", "&", "=", "1", "2", "0", "9999999999", "+", "-", "%20", "%2B", "%", "%ff", "a", "~", "?", ";"])]) {
        hostile::query(&bytes);
    }

    #[test]
    fn authorization(bytes in pieces(&["Token", "bearer", "Basic", " ", "\t", "\0", ":", ",", "0123456789abcdef0123456789ABCDEF01234567"])) {
        hostile::authorization(&bytes);
    }

    #[test]
    fn forwarded(bytes in pieces(&[
        "for=", "For=\"", "\"", ";", ",", "=", "192.0.2.1", "[2001:db8::1]", ":4711", "\n", "https", "unknown", "127.0.0.1", "[", "]", "::ffff:", " ",
    ])) {
        hostile::forwarded(&bytes);
    }

    #[test]
    fn times(bytes in pieces(&[
        "2024-02-29", "T", " ", "23:59:60", "12:00:00", ".123456789", ".5", "Z", "+02:00", "-23:59", "-009999-01-01", "0001-01-01", "9999-12-31", "[UTC]",
    ])) {
        hostile::timestamp(&bytes);
    }

    #[test]
    fn numbers_as_times(micros in any::<i64>()) {
        hostile::timestamp(&micros.to_le_bytes());
    }
}
