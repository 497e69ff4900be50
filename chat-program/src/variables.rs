//! The command line together with the environment variables of its options.

use clap::{
    ArgMatches, Command,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::ffi::{OsStr, OsString};

/// Parses a command line, with the environment variables that its options name.
///
/// - An empty variable counts as not set. Compose files make such a variable from `${NAME:-}`.
/// - If a variable ends with a carriage return, the error names the variable: the file that sets it has Windows line
///   endings.
/// - The error of an option that a variable sets names the variable.
///
/// # Errors
/// - The errors of clap. `--help` and `--version` are errors of clap too.
/// - A usage error of clap if a variable ends with a carriage return.
pub fn parse(
    mut command: Command,
    args: impl IntoIterator<Item = OsString>,
) -> Result<ArgMatches, clap::Error> {
    let args: Vec<_> = args.into_iter().collect();
    if let Some(name) = find_variable(&command, &|_, value| value.as_encoded_bytes().ends_with(b"\r")) {
        let text = format!(
            "{} ends with a carriage return: save the file that sets it with Unix line endings\n",
            name.display()
        );
        return Err(command.error(ErrorKind::InvalidValue, text));
    }
    let mut command = without_empty_variables(command);
    command.try_get_matches_from_mut(&args).map_err(|error| name_variable(error, &command, &args))
}

/// Returns the name of the first variable for which `is_sought` returns true.
///
/// It searches the options of the command and of its subcommands. `is_sought` gets the option and the value.
fn find_variable(command: &Command, is_sought: &dyn Fn(&clap::Arg, &OsStr) -> bool) -> Option<OsString> {
    let of_command = command.get_arguments().find_map(|arg| {
        let name = arg.get_env()?;
        std::env::var_os(name).filter(|value| is_sought(arg, value)).map(|_| name.to_owned())
    });
    of_command.or_else(|| command.get_subcommands().find_map(|sub| find_variable(sub, is_sought)))
}

fn without_empty_variables(command: Command) -> Command {
    let is_empty =
        |arg: &clap::Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(None::<&'static str>) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// Names the variable in an error, instead of the option that it sets.
///
/// If the option is on the command line, the error stays as it is.
fn name_variable(mut error: clap::Error, command: &Command, args: &[OsString]) -> clap::Error {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return error };
    // The error has the option with its value: --listen <ADDR>.
    let Some(long) = option.split(' ').next().and_then(|option| option.strip_prefix("--")) else {
        return error;
    };
    let is_typed = args.iter().any(|arg| {
        let rest =
            arg.as_encoded_bytes().strip_prefix(b"--").and_then(|arg| arg.strip_prefix(long.as_bytes()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
    });
    let variable = find_variable(command, &|arg, value| arg.get_long() == Some(long) && !value.is_empty());
    if let Some(variable) = variable.filter(|_| !is_typed) {
        let name = variable.to_string_lossy().into_owned();
        error.insert(ContextKind::InvalidArg, ContextValue::String(name));
    }
    error
}
