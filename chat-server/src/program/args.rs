//! The command line: its commands and options.

use super::{
    backup::BackupArgs, common::Common, doctor::DoctorArgs, import::ImportCommand, restore::RestoreArgs,
    serve::ServeArgs, token::TokenCommand, user::UserCommand,
};
use clap::{
    Args as _, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind, parser::ValueSource,
};

/// Serve one-to-one chat over HTTP, and administer its database.
///
/// Without a command it serves, like `chat-server serve`. Every option can also be set by an environment variable:
/// CHAT_ and the name of the option in capitals. The command line takes precedence. An empty variable is not set.
#[derive(Debug, Parser)]
#[command(name = "chat-server", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(flatten, next_help_heading = "Options when serving")]
    serve: ServeArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  chat-server                                   serve ./chat.db on http://127.0.0.1:8000
  chat-server --demo                            the same, with demonstration data
  chat-server user add ann                      add a user; asks for the password
  chat-server --database-url postgres://chat@db/chat serve --listen 0.0.0.0:8000

Exit status: 0 done, 1 failed (one line on standard error says why), 2 command line not understood.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve the chat until SIGTERM, SIGINT or SIGQUIT.
    ///
    /// SIGHUP reloads the certificate. Without TLS, it stops a server whose log goes to a terminal, and is otherwise
    /// ignored, like SIGUSR1 and SIGUSR2.
    Serve(Box<ServeArgs>),
    /// Add, list, change and remove users.
    ///
    /// A running server applies changes within two seconds.
    #[command(subcommand)]
    User(UserCommand),
    /// List and revoke tokens.
    ///
    /// A running server applies changes within two seconds.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Import the data of another service.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Bring the schema of the database up to date.
    ///
    /// All other commands that open the database do this too, except `doctor` and `restore`. With `?mode=ro`, nothing
    /// is migrated: a schema that is not up to date is refused. Use `migrate` to migrate before serving.
    Migrate,
    /// Write a consistent copy of an SQLite database, also while a server uses it.
    Backup(BackupArgs),
    /// Restore a backup of an SQLite database, while no server runs.
    ///
    /// Checks the backup and replaces the database with a copy of it. Keeps the old files beside the database, under
    /// its name with `.before-restore-N`. If the command is killed, run it again. A Postgres database is restored with
    /// pg_restore or psql.
    Restore(RestoreArgs),
    /// Check the database, its files, this machine and the settings.
    ///
    /// Changes nothing, and works while a server runs. Give it the options and the environment of `serve`, to check
    /// them too. Reads the whole database. The exit status is 1 if it finds a problem.
    Doctor(Box<DoctorArgs>),
}

/// The parsed command line.
#[derive(Debug)]
pub(super) struct Args {
    pub(super) common: Common,
    pub(super) command: Command,
}

impl Args {
    /// Parses the command line of this process.
    ///
    /// For `--help` and `--version` it returns an error too.
    pub(super) fn read() -> clap::error::Result<Self> {
        Self::parse(std::env::args_os())
    }

    fn parse(args: impl IntoIterator<Item = impl Into<std::ffi::OsString>>) -> clap::error::Result<Self> {
        let args = args.into_iter().map(Into::into);
        let matches = chat_program::parse(Cli::command(), args)?;
        let Cli { mut common, serve, command } = Cli::from_arg_matches(&matches)?;
        let source = |id| matches.value_source(id).filter(|source| *source != ValueSource::DefaultValue);
        match (source("database_url"), source("database_url_file")) {
            (url, file) if url.is_some() && url == file => {
                let text = match url {
                    Some(ValueSource::EnvVariable) => {
                        "CHAT_DATABASE_URL and CHAT_DATABASE_URL_FILE exclude each other: unset one\n"
                    }
                    _ => "--database-url and --database-url-file exclude each other: leave one out\n",
                };
                return Err(Cli::command().error(ErrorKind::ArgumentConflict, text));
            }
            (Some(ValueSource::CommandLine), _) => common.database_url_file = None,
            _ => {}
        }
        let Some(command) = command else {
            return Ok(Self { common, command: Command::Serve(Box::new(serve)) });
        };
        // An option of `serve` before another command would have no effect. Before `serve` or `doctor` it would be
        // overridden.
        let is_typed =
            |arg: &&clap::Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
        match ServeArgs::augment_args(clap::Command::new("")).get_arguments().find(is_typed) {
            Some(arg) => {
                let option = arg.get_long().unwrap_or_default();
                let text = format!(
                    "--{option} belongs to serve and doctor: write it after one of them, or leave out the command\n"
                );
                Err(Cli::command().error(ErrorKind::ArgumentConflict, text))
            }
            None => Ok(Self { common, command }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> clap::error::Result<Args> {
        Args::parse(line.split_whitespace())
    }

    #[test]
    fn the_definition_passes_claps_checks() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        for line in ["chat-server --listen [::1]:80 --demo", "chat-server serve --listen [::1]:80 --demo"] {
            let Command::Serve(args) = parse(line).unwrap().command else { panic!("{line}") };
            assert!(args.demo && args.listen == "[::1]:80", "{line}");
        }
    }

    #[test]
    fn common_options_may_stand_before_and_after_the_command() {
        for line in [
            "chat-server --database-url sqlite://x.db user list",
            "chat-server user --database-url sqlite://x.db list",
            "chat-server user list --database-url sqlite://x.db",
        ] {
            assert_eq!(parse(line).unwrap().common.database_url.to_string(), "sqlite://x.db", "{line}");
        }
    }

    #[test]
    fn the_address_of_the_database_may_be_given_once() {
        for line in [
            "chat-server --database-url sqlite://x.db --database-url-file x user list",
            "chat-server --database-url sqlite://x.db user list --database-url-file x",
            "chat-server --database-url-file x user list --database-url sqlite://x.db",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert!(parse("chat-server --database-url-file x").unwrap().common.database_url_file.is_some());
    }

    #[test]
    fn options_of_serve_are_refused_before_another_command() {
        let error = parse("chat-server --demo user list").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("--demo belongs to serve and doctor"), "{error}");
    }

    #[test]
    fn every_option_has_an_environment_variable() {
        fn check(command: &clap::Command) {
            for arg in command.get_arguments() {
                let Some(option) = arg.get_long().filter(|option| !["help", "version"].contains(option))
                else {
                    continue;
                };
                let variable = format!("CHAT_{}", option.to_uppercase().replace('-', "_"));
                assert_eq!(
                    arg.get_env(),
                    Some(std::ffi::OsStr::new(&variable)),
                    "{} --{option}",
                    command.get_name()
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn an_address_without_a_port_is_refused() {
        assert_eq!(parse("chat-server --listen localhost").unwrap_err().exit_code(), 2);
    }
}
