//! The command line, and what `--help` says beyond single commands.

use crate::{commands::Command, global::Global};
use clap::Parser;

/// Chat from the command line
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str =
    "Exit status: 0 fine, 1 failed, 2 usage, 3 not found, 4 not signed in or not allowed,
5 rejected input or conflict, 7 server out of reach. `chat-cli --help` tells more.";

const AFTER_LONG_HELP: &str = "\
Users:
  A USER is a name, or a number, which is an id. A name of digits alone is written name:42.
  A name in another letter case will do where only one user can be meant.

Texts:
  A TEXT of - is read from standard input, without the newline at its end.
  A text that begins with a dash stands behind --: chat-cli send bob -- '-5 degrees'

Sessions:
  `login` keeps a session per profile in $XDG_CONFIG_HOME/chat-cli (by default ~/.config/chat-cli), in files that
  only their owner can read. A session's token is sent to no server but the one it came from.
  What is given on the command line wins over the environment, that over the session.

Exit status:
  0  fine
  1  failed in some other way
  2  the command line is wrong, or something has to be asked and nobody is there to answer
  3  there is no such user, thread or message
  4  not signed in, or not allowed
  5  the server rejects what it was given (a wrong password at login too), or the idempotency key was used with
     another message
  7  the server is out of reach, does not answer in time, or is too busy: try again later

Examples:
  chat-cli register ann --login
  chat-cli send bob 'Lunch at one?'
  chat-cli unread --incoming
  git log -1 --format=%s | chat-cli send bob -
  chat-cli messages list $(chat-cli threads open bob) --json | jq -r '.[].text'";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
