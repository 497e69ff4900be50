//! Users as arguments of the command line.

use crate::failure::{Failure, FailureKind, Result};
use chat_client::{Client, OpenedThread, User, UserId};
use futures_util::TryStreamExt;
use std::str::FromStr;

/// A user, given by id or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UserRef {
    Id(UserId),
    Name(String),
}

/// Parses digits as an id, and everything else as a name.
///
/// No username contains a colon, so the prefix `name:` is unambiguous.
impl FromStr for UserRef {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let name = text.strip_prefix("name:");
        match (name, text.parse()) {
            (Some(""), _) => Err("there is no name after name:"),
            (Some(name), _) => Ok(Self::Name(name.to_owned())),
            (None, _) if text.is_empty() => Err("the user is empty; give a name or an id"),
            (None, Ok(id)) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Self::Id(id)),
            (None, _) => Ok(Self::Name(text.to_owned())),
        }
    }
}

impl UserRef {
    /// Returns the id of the user, and looks it up if a name was given.
    async fn id(&self, client: &Client) -> Result<UserId> {
        match self {
            Self::Id(id) => Ok(*id),
            Self::Name(name) => Ok(by_name(client, name).await?.id),
        }
    }

    /// Fetches the user.
    pub(crate) async fn fetch(&self, client: &Client) -> Result<User> {
        match self {
            Self::Id(id) => Ok(client.user(*id).await?),
            Self::Name(name) => by_name(client, name).await,
        }
    }
}

/// Opens the thread with a user; it is created if there is none.
pub(crate) async fn open_thread(client: &Client, user: &UserRef) -> Result<OpenedThread> {
    let id = user.id(client).await?;
    client.open_thread(id).await.map_err(|error| {
        let failure = Failure::from(error);
        // The error of the server names a field of the request. The user gave an argument and knows no such field.
        if failure.kind() == FailureKind::NotFound {
            Failure::new(FailureKind::NotFound, format!("there is no user with the id {id}"))
                .with_hint("find users with chat-cli users search")
        } else {
            failure
        }
    })
}

/// Returns the user with exactly this name.
///
/// If there is none, returns the user with this name in another letter case, provided that there is only one.
async fn by_name(client: &Client, name: &str) -> Result<User> {
    let folded = name.to_lowercase();
    let mut alike = Vec::new();
    let mut users = client.users().search(name).stream();
    while let Some(user) = users.try_next().await? {
        if user.username == name {
            return Ok(user);
        }
        if user.username.to_lowercase() == folded {
            alike.push(user);
        }
    }
    match (alike.pop(), alike.as_slice()) {
        (Some(user), []) => Ok(user),
        (None, _) => Err(Failure::new(FailureKind::NotFound, format!("there is no user named {name}"))
            .with_hint("find users with chat-cli users search PREFIX")),
        (Some(last), others) => {
            let names: Vec<_> = others.iter().chain([&last]).map(|user| user.username.as_str()).collect();
            Err(Failure::usage(format!("{name} matches {}", names.join(" and ")))
                .with_hint("give the exact name"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_an_id_without_the_prefix_name() {
        let name = |name: &str| UserRef::Name(name.to_owned());
        for (text, expected) in [
            ("2", UserRef::Id(UserId::new(2))),
            ("name:2", name("2")),
            ("bob", name("bob")),
            ("-2", name("-2")),
            ("+2", name("+2")),
            ("99999999999999999999", name("99999999999999999999")),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert!("".parse::<UserRef>().is_err());
        assert!("name:".parse::<UserRef>().is_err());
    }
}
