//! The help of `chat-server` and of each of its subcommands.

use chat_tests::{binaries, golden, program, run};

/// Appends the help of a command and of its subcommands.
///
/// The names of the subcommands are read from the help.
fn append_help(text: &mut String, command: &[&str]) {
    let mut help_command = program::command(binaries::path("chat-server"));
    let help = run(help_command.args(command).arg("--help"), "").ok();
    *text += &format!("$ {} --help\n{help}\n", [&["chat-server"], command].concat().join(" "));
    let Some((_, commands)) = help.split_once("\nCommands:\n") else { return };
    for line in commands.lines().take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        // The names are indented by two columns. Lines with a deeper indent continue a description.
        if line.starts_with(&format!("  {name}")) && name != "help" {
            append_help(text, &[command, &[name]].concat());
        }
    }
}

#[test]
fn the_help_of_every_command_is_the_golden_one() {
    let mut text = String::new();
    append_help(&mut text, &[]);
    assert!(text.matches("$ chat-server ").count() > 10, "the subcommands are found:\n{text}");
    golden::check("help/chat-server.txt", &text);
}
