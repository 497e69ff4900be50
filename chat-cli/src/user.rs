//! Users as arguments of the command line.

use crate::failure::{Failure, FailureKind, Result};
use chat_client::{Client, OpenedThread, User, UserId};
use chat_program::printable;
use futures_util::{TryStreamExt, future};
use std::str::FromStr;

/// A user, as given in an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UserRef {
    Id(UserId),
    Name(String),
    /// Digits in the form in which an id is printed.
    ///
    /// There may be a user with this id, and another user with these digits as the name.
    IdOrName(UserId),
}

/// Parses digits as an id or a name, and everything else as a name.
///
/// Digits in a form in which no id is printed, such as `007`, are a name. No username contains a colon, so the
/// prefixes `id:` and `name:` are unambiguous.
impl FromStr for UserRef {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(name) = text.strip_prefix("name:") {
            return if name.is_empty() {
                Err("there is no name after name:")
            } else {
                Ok(Self::Name(name.into()))
            };
        }
        if let Some(id) = text.strip_prefix("id:") {
            return canonical_id(id).map(Self::Id).ok_or("the text after id: is not the id of a user");
        }
        match canonical_id(text) {
            _ if text.is_empty() => Err("the user is empty; give a name or an id"),
            Some(id) => Ok(Self::IdOrName(id)),
            None => Ok(Self::Name(text.to_owned())),
        }
    }
}

/// Returns the id that is printed as `text`.
///
/// Returns `None` if there is none, as for `007` and `-2`.
fn canonical_id(text: &str) -> Option<UserId> {
    text.parse().ok().filter(|id: &UserId| id.get() >= 0 && id.to_string() == text)
}

impl UserRef {
    /// Finds the user. Fails if the argument matches two users.
    pub(crate) async fn find(&self, client: &Client) -> Result<User> {
        match self {
            Self::Id(id) => by_id(client, *id).await?.ok_or_else(|| no_user_with_id(*id)),
            Self::Name(name) => by_name(client, name).await,
            Self::IdOrName(id) => by_digits(client, *id).await,
        }
    }
}

/// Opens the thread with a user; it is created if there is none.
pub(crate) async fn open_thread(client: &Client, user: &UserRef) -> Result<(User, OpenedThread)> {
    let user = user.find(client).await?;
    let thread = client.open_thread(user.id).await.map_err(|error| {
        let failure = Failure::from(error);
        // The error of the server names a field of the request. The user gave an argument and knows no such field.
        if failure.kind() == FailureKind::NotFound { no_user_with_id(user.id) } else { failure }
    })?;
    Ok((user, thread))
}

/// Returns the name and the id of a user, as notes and confirmations show them.
pub(crate) fn shown(user: &User) -> String {
    format!("{} (user {})", printable(&user.username), user.id)
}

fn no_user_with_id(id: UserId) -> Failure {
    Failure::new(FailureKind::NotFound, format!("there is no user with the id {id}"))
        .with_hint("find users with chat-cli users search")
}

async fn by_id(client: &Client, id: UserId) -> Result<Option<User>> {
    match client.user(id).await {
        Ok(user) => Ok(Some(user)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the user with this id.
///
/// Fails if the digits are also the name of another user.
async fn by_digits(client: &Client, id: UserId) -> Result<User> {
    let digits = id.to_string();
    let user_with_this_name = async {
        // The list is ordered by name. So if a user has exactly the digits as the name, that user is the first entry.
        let page = client.users().search(&digits).limit(1).await?;
        Ok::<_, Failure>(page.results.into_iter().find(|user| user.username == digits))
    };
    match future::try_join(by_id(client, id), user_with_this_name).await? {
        (Some(user), Some(user_with_this_name)) if user.id != user_with_this_name.id => {
            let both = format!(
                "{id} is the id of {} and the name of user {}",
                printable(&user.username),
                user_with_this_name.id
            );
            Err(Failure::usage(both).with_hint(format!("write id:{id} or name:{id}")))
        }
        (Some(user), _) => Ok(user),
        (None, Some(user_with_this_name)) => {
            let hint = format!("write name:{id} for user {}, named {id}", user_with_this_name.id);
            Err(no_user_with_id(id).with_hint(hint))
        }
        (None, None) => Err(no_user_with_id(id)),
    }
}

/// Returns the user with exactly this name.
///
/// If there is none, returns the user with this name in another letter case, provided that there is only one.
async fn by_name(client: &Client, name: &str) -> Result<User> {
    let folded = name.to_lowercase();
    let mut case_insensitive_matches = Vec::new();
    let mut users = client.users().search(name).stream();
    while let Some(user) = users.try_next().await? {
        if user.username == name {
            return Ok(user);
        }
        if user.username.to_lowercase() == folded {
            case_insensitive_matches.push(user);
        }
    }
    match (case_insensitive_matches.pop(), case_insensitive_matches.as_slice()) {
        (Some(user), []) => Ok(user),
        (None, _) => Err(no_user_named(name)),
        (Some(last), others) => {
            let names: Vec<_> = others.iter().chain([&last]).map(|user| user.username.as_str()).collect();
            Err(Failure::usage(format!("{name} matches {}", names.join(" and ")))
                .with_hint("give the exact name"))
        }
    }
}

fn no_user_named(name: &str) -> Failure {
    let failure = Failure::new(FailureKind::NotFound, format!("there is no user named {name}"));
    match name.parse::<UserId>() {
        Ok(id) if name.bytes().all(|byte| byte.is_ascii_digit()) && canonical_id(name).is_none() => {
            failure.with_hint(format!("digits with leading zeros are a name; write id:{id} for the id {id}"))
        }
        _ => failure.with_hint("find users with chat-cli users search PREFIX"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_printed_form_of_an_id_can_be_an_id() {
        let name = |name: &str| UserRef::Name(name.to_owned());
        for (text, expected) in [
            ("2", UserRef::IdOrName(UserId::new(2))),
            ("0", UserRef::IdOrName(UserId::new(0))),
            ("id:2", UserRef::Id(UserId::new(2))),
            ("name:2", name("2")),
            ("name:id:2", name("id:2")),
            ("bob", name("bob")),
            ("007", name("007")),
            ("00", name("00")),
            ("-2", name("-2")),
            ("-0", name("-0")),
            ("+2", name("+2")),
            ("99999999999999999999", name("99999999999999999999")),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in ["", " ", "name:", "id:", "id:007", "id:bob", "id:-2", "id: 2"] {
            assert!(text.parse::<UserRef>().is_err(), "{text}");
        }
    }
}
