//! `chat-server user ...`: administers the accounts.

use super::{
    common::Common,
    database,
    failure::{Usage, hinted},
    output,
    password::PasswordArgs,
};
use anyhow::{Result, anyhow, bail};
use chat_core::{
    Chat, Error,
    api::{Timestamp, UserId},
    store::Account,
};
use chat_program::printable;
use clap::builder::BoolishValueParser;
use serde::Serialize;
use std::io::{self, IsTerminal};

/// Accounts that are read at a time.
const PAGE_SIZE: u64 = 500;

/// The subcommands of `user`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum UserCommand {
    /// Add a user, who may sign in at once.
    Add {
        /// Name of the user: up to 150 ASCII letters, digits and @ . + - _
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
        /// Print {"id":...,"username":...}.
        #[arg(long, env = "CHAT_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// List all users, by id.
    List {
        /// Print an array of {"id":...,"username":...,"active":...,"created":...}.
        #[arg(long, env = "CHAT_JSON", value_parser = BoolishValueParser::new())]
        json: bool,
    },
    /// Set the password of a user, and revoke all their tokens.
    Passwd {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Disable a user: they cannot sign in, and their tokens stop working.
    ///
    /// Nothing is deleted.
    Disable {
        /// Name of the user.
        name: String,
    },
    /// Enable a disabled user.
    Enable {
        /// Name of the user.
        name: String,
    },
    /// Remove a user for good, with their tokens, threads and all messages in these.
    Remove {
        /// Name of the user.
        name: String,
        /// Do not ask for confirmation.
        #[arg(long, env = "CHAT_YES", value_parser = BoolishValueParser::new())]
        yes: bool,
    },
}

/// A user in the JSON list.
#[derive(Debug, Serialize)]
struct Listed {
    id: UserId,
    username: String,
    active: bool,
    created: Timestamp,
}

/// Runs the subcommand.
pub(super) async fn run(common: &Common, command: UserCommand) -> Result<()> {
    match command {
        UserCommand::Add { name, password, json } => {
            let chat = database::open(common).await?;
            // Checked first, so that the program does not ask for a password if the name is not available.
            let user = match chat.check_username(&name).await {
                Ok(checked) => chat.add_user_checked(checked, &password.read(&name)?).await,
                Err(error) => Err(error),
            };
            let user = user.map_err(|error| failed(&name, error))?;
            chat.close().await;
            if json {
                output::json(&user)
            } else {
                output::line(&format!("{} is user {}", user.username, user.id))
            }
        }
        UserCommand::List { json } => {
            let chat = database::open(common).await?;
            list(&chat, json).await?;
            chat.close().await;
            Ok(())
        }
        UserCommand::Passwd { name, password } => {
            let (chat, user) = find(common, &name).await?;
            chat.set_password(user.id, &password.read(&name)?).await?;
            chat.close().await;
            output::line(&format!("the password of {name} is changed; all tokens of {name} are revoked"))
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

/// Opens the database and finds a user in it.
///
/// The database must exist: a new one would have no users.
pub(super) async fn find(common: &Common, name: &str) -> Result<(Chat, Account)> {
    let chat = database::open_existing(common).await?;
    let user = chat.account_by_name(name).await.map_err(|error| failed(name, error))?;
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
        let text = format!(
            "removing {name} deletes all threads of {name} too, and there is no terminal to confirm it"
        );
        return Err(hinted(Usage(text), "give --yes to do so"));
    }
    match output::ask(&format!("Remove {name} with all threads and their messages? [y/N]"))?.as_str() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("nothing was changed"),
    }
}

/// Prints all users, page by page: they need not fit into memory.
///
/// So the columns have fixed widths. Only the name has no fixed width, so it comes last.
async fn list(chat: &Chat, json: bool) -> Result<()> {
    if !json {
        output::line(&format!("{:>10}  {:8}  {:27}  NAME", "ID", "STATE", "CREATED"))?;
    }
    let (mut after, mut array) = (None, output::Array::default());
    loop {
        let page = chat.store().accounts(after, PAGE_SIZE).await.map_err(Error::from)?;
        after = page.last().map(|account| account.id);
        for Account { id, username, active, created, .. } in page {
            if json {
                array.item(&Listed { id, username, active, created })?;
            } else {
                let (state, created) = (if active { "active" } else { "disabled" }, created.to_string());
                let name = printable(&username);
                output::line(&format!("{:>10}  {state:8}  {created:27}  {name}", id.get()))?;
            }
        }
        if after.is_none() {
            return if json { array.end() } else { Ok(()) };
        }
    }
}

fn failed(name: &str, error: Error) -> anyhow::Error {
    match error {
        Error::NotFound(_) => hinted(anyhow!("there is no user {name}"), "`chat-server user list` lists all"),
        Error::Invalid(errors) => {
            let texts: Vec<_> = errors.get("username").to_vec();
            anyhow!("cannot add {name}: {}", texts.join(" "))
        }
        error => error.into(),
    }
}
