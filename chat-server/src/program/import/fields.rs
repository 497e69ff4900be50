//! The fields of the four models, and the parsing of their values.

use anyhow::{Context, Result, anyhow, bail};
use chat_core::api::{ThreadId, Timestamp, limits};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Value, value::RawValue};

/// The fields of `auth.user` that the chat needs.
#[derive(Deserialize)]
pub(super) struct UserFields {
    pub(super) username: String,
    pub(super) password: String,
    #[serde(default = "yes")]
    pub(super) is_active: bool,
    pub(super) date_joined: Option<String>,
}

/// The fields of `authtoken.token`. The key is the pk of the object.
#[derive(Deserialize)]
pub(super) struct TokenFields {
    pub(super) user: Value,
    pub(super) created: Option<String>,
}

/// The fields of `chat.thread`.
#[derive(Deserialize)]
pub(super) struct ThreadFields {
    pub(super) created: String,
    pub(super) updated: String,
    pub(super) participants: Vec<Value>,
}

/// The fields of `chat.message`.
#[derive(Deserialize)]
pub(super) struct MessageFields {
    pub(super) sender: Value,
    pub(super) thread: Value,
    pub(super) text: String,
    pub(super) created: String,
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
    let range = 1..=limits::ID_MAX;
    id.filter(|id| range.contains(id))
        .with_context(|| format!("its {what} is not an integer from 1 to {}", limits::ID_MAX))
}

/// Reads the id of a thread.
pub(super) fn thread_id(what: &str, value: &Value) -> Result<ThreadId> {
    let id = key(what, value)?.as_str().and_then(|text| text.parse().ok());
    id.with_context(|| format!("its {what} is not a UUID"))
}

/// The latest time that is imported: the end of the year 9998.
///
/// The number is in microseconds since 1970. The range of [`Timestamp`] ends within the year 9999, and the time of a
/// thread advances with each message.
const LATEST: Timestamp = Timestamp::from_micros(253_370_764_799_999_999);

/// Reads a time. `what` is its name in an error.
pub(super) fn time(what: &str, text: &str) -> Result<Timestamp> {
    // With `USE_TZ = False`, Django writes local times without a zone. `Timestamp` reads them as UTC.
    if !text.ends_with('Z') && format!("{text}Z").parse::<Timestamp>().is_ok() {
        bail!(
            "its {what} {text} has no time zone; set USE_TZ = True in the old service and dump again, or append the \
             offset from UTC to every time, such as +02:00"
        );
    }
    // `Timestamp` does not parse the end of the year 9999 and later years. Its error would be that this is not a time.
    let year = text.split('-').next().and_then(|year| year.trim_start_matches('+').parse::<u64>().ok());
    match text.parse::<Timestamp>() {
        Ok(time) if time <= LATEST => Ok(time),
        Err(error) if year.is_none_or(|year| year <= 9998) => bail!("its {what} is {error}"),
        _ => bail!("its {what} is after the year 9998"),
    }
}

/// Reads a time that may be missing.
pub(super) fn optional_time(what: &str, text: Option<&str>) -> Result<Option<Timestamp>> {
    text.map(|text| time(what, text)).transpose()
}

/// Returns whether these are the fields of a user in a custom user model.
pub(super) fn are_of_a_user(fields: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Credentials {
        password: Option<String>,
        username: Option<IgnoredAny>,
        email: Option<IgnoredAny>,
    }
    serde_json::from_str(fields.get()).is_ok_and(|fields: Credentials| {
        // Other objects with a password, such as settings of a mail server, do not have a hash.
        let is_hash = fields.password.is_some_and(|hash| hash.contains('$') || hash.starts_with('!'));
        is_hash && (fields.username.is_some() || fields.email.is_some())
    })
}

/// Returns the value if it can be a key.
///
/// # Errors
/// The value is missing, or is a list. `dumpdata` writes both with its options for natural keys.
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
