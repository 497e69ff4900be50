//! The command line, and the parts of `--help` that belong to no single command.

use crate::{commands::Command, global::Global};
use clap::Parser;

/// A command-line client of chat-server
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Exit status: 0 success, 1 other failure, 2 usage error, 3 not found, 4 not signed in or not allowed,
5 rejected or conflict, 7 server unavailable. Run `chat-cli --help` for details.";

const AFTER_LONG_HELP: &str = "\
Users:
  USER is a name or an id. Digits are an id, except with leading zeros: 007 is a name. If 42 is the id of one user and
  the name of another, the command fails. In that case, and always in scripts, write id:42 or name:42.
  If no user has exactly this name, letter case is ignored. The command fails if several users match then.

Proxies:
  HTTP_PROXY, HTTPS_PROXY and ALL_PROXY set a proxy, such as http://HOST:PORT or socks5h://HOST:PORT, except for a
  server on this machine. NO_PROXY lists further servers that are reached without it; * stands for all.

Texts:
  Give - as TEXT to read it from standard input, without the final newline.
  Put -- before a text that begins with a dash: chat-cli send bob -- '-5 degrees'

Sessions:
  `login` saves one session per profile in $XDG_CONFIG_HOME/chat-cli (by default ~/.config/chat-cli). Only the owner of
  these files can read them. The token of a session is sent only to the server that issued it.
  Options override environment variables, and these override the session.

Exit status:
  0  success
  1  other failure
  2  usage error, or a password or a confirmation is needed and there is no terminal
  3  no such user, thread, message or token
  4  not signed in, or not allowed
  5  rejected by the server (a wrong password at login too), or the idempotency key was used with another message
  7  server unavailable: no connection, no response in time, or too many requests; try again later

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
