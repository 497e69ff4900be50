//! The fields of the four models, and the parsing of their values.

use anyhow::{Context, Result, anyhow, bail};
use chat_core::api::{ThreadId, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

/// The fields of `auth.user` that the chat needs.
#[derive(Deserialize)]
pub(super) struct UserFields {
    pub(super) username: String,
    pub(super) password: String,
    #[serde(default = "yes")]
    pub(super) is_active: bool,
    pub(super) date_joined: Option<Timestamp>,
}

/// The fields of `authtoken.token`. The key is the pk of the object.
#[derive(Deserialize)]
pub(super) struct TokenFields {
    pub(super) user: Value,
    pub(super) created: Option<Timestamp>,
}

/// The fields of `chat.thread`.
#[derive(Deserialize)]
pub(super) struct ThreadFields {
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) participants: Vec<Value>,
}

/// The fields of `chat.message`.
#[derive(Deserialize)]
pub(super) struct MessageFields {
    pub(super) sender: Value,
    pub(super) thread: Value,
    pub(super) text: String,
    pub(super) created: Timestamp,
    pub(super) is_read: bool,
}

const fn yes() -> bool {
    true
}

/// Reads the fields of one model.
pub(super) fn read<T: DeserializeOwned>(fields: &RawValue) -> Result<T> {
    serde_json::from_str(fields.get()).map_err(|error| {
        // serde counts its position from the start of the fields, not of the file. The position would mislead.
        let text = error.to_string();
        anyhow!("{}", text.split(" at line ").next().unwrap_or_default().to_owned())
    })
}

/// Reads a numeric id, from a number or a text. `what` is its name in an error.
pub(super) fn id(what: &str, value: &Value) -> Result<i64> {
    let id = match key(what, value)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    id.filter(|id| *id > 0).with_context(|| format!("its {what} is not an integer from 1 to {}", i64::MAX))
}

/// Reads the id of a thread.
pub(super) fn thread_id(what: &str, value: &Value) -> Result<ThreadId> {
    let id = key(what, value)?.as_str().and_then(|text| text.parse().ok());
    id.with_context(|| format!("its {what} is not a UUID"))
}

/// Returns a value that may be a key.
///
/// With its options for natural keys, `dumpdata` writes other values. They are refused.
fn key<'a>(what: &str, value: &'a Value) -> Result<&'a Value> {
    match value {
        Value::Null if what == "id" => bail!("its id is missing; dump again without --natural-primary"),
        Value::Null => bail!("its {what} is missing"),
        Value::Array(_) => bail!("its {what} is given by name; dump again without --natural-foreign"),
        value => Ok(value),
    }
}

/// Returns a text if every database can store it.
pub(super) fn text(what: &str, text: String) -> Result<String> {
    if text.contains('\0') {
        bail!("its {what} contains the character U+0000; remove it from the file");
    }
    Ok(text)
}

/// Returns the pk as text, for an error.
pub(super) fn spelling(pk: &Value) -> String {
    pk.as_str().map_or_else(|| pk.to_string(), str::to_owned)
}
