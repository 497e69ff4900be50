//! The subcommands, one file each.

mod listing;
mod login;
mod logout;
mod messages;
mod password;
mod register;
mod send;
mod threads;
mod tokens;
mod unread;
mod users;
mod whoami;

use crate::{context::Context, failure::Result};
use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Command {
    Register(register::Register),
    Login(login::Login),
    Logout(logout::Logout),
    Whoami(whoami::Whoami),
    Password(password::Password),
    #[command(subcommand)]
    Tokens(tokens::Tokens),
    #[command(subcommand)]
    Users(users::Users),
    #[command(subcommand)]
    Threads(threads::Threads),
    #[command(subcommand)]
    Messages(messages::Messages),
    Send(send::Send),
    Unread(unread::Unread),
}

impl Command {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Register(command) => command.run(context).await,
            Self::Login(command) => command.run(context).await,
            Self::Logout(command) => command.run(context).await,
            Self::Whoami(command) => command.run(context).await,
            Self::Password(command) => command.run(context).await,
            Self::Tokens(command) => command.run(context).await,
            Self::Users(command) => command.run(context).await,
            Self::Threads(command) => command.run(context).await,
            Self::Messages(command) => command.run(context).await,
            Self::Send(command) => command.run(context).await,
            Self::Unread(command) => command.run(context).await,
        }
    }
}
