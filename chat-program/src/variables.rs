//! The command line together with the environment variables of its options.

use clap::{
    ArgMatches, Command,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::{
    any::TypeId,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

/// Parses a command line, with the environment variables that its options name.
///
/// - An empty variable counts as not set. Compose files make such a variable from `${NAME:-}`.
/// - If a variable ends with a carriage return, the error names the variable: the file that sets it has Windows line
///   endings.
/// - Apart from that check, the variable of an option that is on the command line is not read. So an invalid one does
///   not matter.
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
    let mut command = without_unused_variables(command, &args);
    command.try_get_matches_from_mut(&args).map_err(|error| name_variable(error, &mut command, &args))
}

/// Returns the name of the first variable for which `predicate` returns true.
///
/// It searches the options of the command and of its subcommands. `predicate` gets the option and the value.
fn find_variable(command: &Command, predicate: &dyn Fn(&clap::Arg, &OsStr) -> bool) -> Option<OsString> {
    let of_command = command.get_arguments().find_map(|arg| {
        let name = arg.get_env()?;
        std::env::var_os(name).filter(|value| predicate(arg, value)).map(|_| name.to_owned())
    });
    of_command.or_else(|| command.get_subcommands().find_map(|sub| find_variable(sub, predicate)))
}

/// Removes the variables that are empty, and those of options on the command line.
///
/// clap reads the variable of an option of a command even if a subcommand has the same option on the command line.
fn without_unused_variables(command: Command, args: &[OsString]) -> Command {
    let is_unused = |arg: &clap::Arg| {
        let is_empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
        is_empty || arg.get_long().is_some_and(|long| is_typed(long, args))
    };
    command
        .mut_args(|arg| if is_unused(&arg) { arg.env(None::<&'static str>) } else { arg })
        .mut_subcommands(|sub| without_unused_variables(sub, args))
}

/// Returns whether an option is on the command line.
fn is_typed(long: &str, args: &[OsString]) -> bool {
    let options = args.iter().map(|arg| arg.as_encoded_bytes()).take_while(|arg| *arg != b"--");
    options
        .filter_map(|arg| arg.strip_prefix(b"--")?.strip_prefix(long.as_bytes()))
        .any(|rest| rest.is_empty() || rest.starts_with(b"="))
}

/// Names the variable in an error, instead of the option that it sets.
fn name_variable(mut error: clap::Error, command: &mut Command, args: &[OsString]) -> clap::Error {
    if error.kind() == ErrorKind::InvalidUtf8 && args.iter().all(|arg| arg.to_str().is_some()) {
        // The error of clap names neither an option nor a variable. A variable with a path as its value is not the
        // cause, because a path may have any bytes.
        let is_path = |arg: &clap::Arg| arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
        let name = find_variable(command, &|arg, value| value.to_str().is_none() && !is_path(arg));
        return match name {
            Some(name) => command.error(ErrorKind::InvalidUtf8, format!("{} is not UTF-8\n", name.display())),
            None => error,
        };
    }
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg) else { return error };
    // The error has the option with its value: --listen <ADDR>.
    let Some(long) = option.split(' ').next().and_then(|option| option.strip_prefix("--")) else {
        return error;
    };
    if let Some(variable) = find_variable(command, &|arg, _| arg.get_long() == Some(long)) {
        let name = variable.to_string_lossy().into_owned();
        error.insert(ContextKind::InvalidArg, ContextValue::String(name));
    }
    error
}
