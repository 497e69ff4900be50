//! `chat-server user …`: the administrator's view of the accounts.

use super::{Usage, common::Common, database, output, password::PasswordArgs};
use anyhow::{Result, anyhow, bail};
use chat_core::{
    Chat, Error,
    api::{Timestamp, UserId},
    store::Account,
};
use clap::builder::BoolishValueParser;
use serde::Serialize;
use std::io::{self, IsTerminal};

/// Accounts read at a time.
const PAGE: u64 = 500;

/// What can be done about users. A server that runs on the database follows within two seconds.
#[derive(Debug, clap::Subcommand)]
pub(super) enum UserCommand {
    /// Add a user; he may sign in at once.
    Add {
        /// His name: up to 150 ASCII letters, digits and @ . + - _
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
        /// Print {"id":…,"username":…}.
        #[arg(long, env = "CHAT_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// List all users, by id.
    List {
        /// Print an array of {"id":…,"username":…,"active":…,"created":…}.
        #[arg(long, env = "CHAT_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Set a user's password and revoke his tokens.
    Passwd {
        /// His name.
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Keep a user from signing in, and his tokens from working; all else stays.
    Disable {
        /// His name.
        name: String,
    },
    /// Let a disabled user in again.
    Enable {
        /// His name.
        name: String,
    },
    /// Remove a user for good: his account, tokens, and threads with all their messages.
    Remove {
        /// His name.
        name: String,
        /// Do not ask.
        #[arg(long, env = "CHAT_YES", value_parser = BoolishValueParser::new())]
        yes: bool,
    },
}

/// A user as he is listed.
#[derive(Debug, Serialize)]
struct Listed {
    id: UserId,
    username: String,
    active: bool,
    created: Timestamp,
}

/// Does it.
pub(super) async fn run(common: &Common, command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Add { name, password, json } => {
            let chat = database::open(&common.database_url).await?;
            // Nobody should think of a password for a name that cannot be had.
            let free = chat.check_username(&name).await?;
            let user = match free {
                Ok(_) => chat.add_user(&name, &password.read(&name)?).await,
                Err(errors) => Err(errors.into()),
            };
            let user = user.map_err(|error| refusal(&name, error))?;
            chat.close().await;
            if json {
                output::json(&user)
            } else {
                output::line(&format!("{} is user {}", user.username, user.id))
            }
        }
        UserCommand::List { json } => {
            let chat = database::open(&common.database_url).await?;
            list(&chat, json).await?;
            chat.close().await;
            Ok(())
        }
        UserCommand::Passwd { name, password } => {
            let (chat, user) = find(common, &name).await?;
            chat.set_password(user.id, &password.read(&name)?).await?;
            chat.close().await;
            output::line(&format!("{name} has the new password; all tokens of {name} are revoked"))
        }
        UserCommand::Disable { name } => set_active(common, &name, false).await,
        UserCommand::Enable { name } => set_active(common, &name, true).await,
        UserCommand::Remove { name, yes } => {
            let (chat, user) = find(common, &name).await?;
            if !yes {
                confirm(&name)?;
            }
            chat.remove_user(user.id).await?;
            chat.close().await;
            output::line(&format!("{name} is removed, with all threads and messages"))
        }
    }
}

/// Opens the database and finds a user in it. One that is made for this has no users: the address is wrong.
pub(super) async fn find(common: &Common, name: &str) -> Result<(Chat, Account)> {
    let chat = database::open_existing(&common.database_url).await?;
    let user = chat.account_by_name(name).await.map_err(|error| refusal(name, error))?;
    Ok((chat, user))
}

async fn set_active(common: &Common, name: &str, active: bool) -> Result<()> {
    let (chat, user) = find(common, name).await?;
    chat.set_active(user.id, active).await?;
    chat.close().await;
    output::line(&format!("{name} is {}", if active { "enabled" } else { "disabled" }))
}

fn confirm(name: &str) -> Result<()> {
    if !io::stdin().is_terminal() {
        bail!(Usage(format!("removing {name} deletes all threads of {name} too; give --yes to do so")));
    }
    match output::ask(&format!("Remove {name} with all threads and their messages? [y/N]"))?.as_str() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("nothing was changed"),
    }
}

/// Prints page by page: there may be more users than memory should hold. So the widths are fixed, and the name, the
/// one column without a bound, comes last.
async fn list(chat: &Chat, json: bool) -> Result<()> {
    if !json {
        output::line(&format!("{:>10}  {:8}  {:27}  NAME", "ID", "STATE", "CREATED"))?;
    }
    let (mut after, mut array) = (None, output::Array::default());
    loop {
        let page = chat.store().accounts(after, PAGE).await.map_err(Error::from)?;
        after = page.last().map(|account| account.id);
        for Account { id, username, active, created, .. } in page {
            if json {
                array.item(&Listed { id, username, active, created })?;
            } else {
                let (state, created) = (if active { "active" } else { "disabled" }, created.to_string());
                output::line(&format!("{:>10}  {state:8}  {created:27}  {username}", id.get()))?;
            }
        }
        if after.is_none() {
            return if json { array.end() } else { Ok(()) };
        }
    }
}

fn refusal(name: &str, error: Error) -> anyhow::Error {
    match error {
        Error::NotFound(_) => anyhow!("there is no user {name}; `chat-server user list` lists them all"),
        Error::Invalid(errors) => {
            let texts: Vec<_> = errors.get("username").to_vec();
            anyhow!("{name} cannot be added: {}", texts.join(" "))
        }
        error => error.into(),
    }
}
