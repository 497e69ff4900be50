//! The steps of `two_users` through `chat-cli`.
//!
//! Also the exit statuses of `chat-cli`.

use chat_tests::{Database, Program, RunOutput, binaries, on_both_databases, program, run};
use serde_json::{Value, json};
use tempfile::TempDir;

on_both_databases!(
    from_registration_to_read_marks,
    every_exit_status_has_its_meaning,
    digits_never_reach_the_wrong_user
);

/// A user's terminal.
///
/// It has its own folder for sessions, and the server's address in the environment.
struct Terminal {
    home: TempDir,
    server: String,
}

impl Terminal {
    fn new(server: &Program) -> Self {
        Self { home: tempfile::tempdir().unwrap(), server: server.url.clone() }
    }

    /// Returns the terminal of a user who has registered and is signed in.
    fn of(server: &Program, name: &str) -> Self {
        let terminal = Self::new(server);
        let added = terminal.typed(&["register", name, "--password-stdin", "--login"], "a long password\n");
        added.ok();
        terminal
    }

    fn types(&self, args: &[&str]) -> RunOutput {
        self.typed(args, "")
    }

    fn typed(&self, args: &[&str], input: &str) -> RunOutput {
        let mut command = program::command(binaries::path("chat-cli"));
        command.args(args).env("CHAT_SERVER_URL", &self.server).env("NO_PROXY", "*");
        command.env("HOME", self.home.path()).env("XDG_CONFIG_HOME", self.home.path());
        run(&mut command, input)
    }

    fn json(&self, args: &[&str]) -> Value {
        self.types(&[args, &["--json"]].concat()).json()
    }
}

async fn from_registration_to_read_marks(database: Database) {
    let server = Program::serve(&database, &["--open-registration"]);
    let (ann, bob) = (Terminal::of(&server, "ann"), Terminal::of(&server, "bob"));
    let ann_is = ann.json(&["whoami"]);
    assert_eq!(ann_is["username"], "ann");

    let stdout = ann.types(&["send", "bob", "Lunch at one?"]).ok();
    let first = ann.json(&["send", "bob", "Or two?"]);
    assert!(stdout.contains(first["thread"].as_str().unwrap()), "{stdout}");
    ann.typed(&["send", "bob", "-"], "from a pipe\n").ok();

    assert_eq!(bob.types(&["unread", "--incoming", "--count"]).ok(), "3\n");
    let unread = bob.json(&["unread", "--incoming"]);
    let texts: Vec<_> = unread.as_array().unwrap().iter().map(|message| message["text"].clone()).collect();
    assert_eq!(texts, ["Lunch at one?", "Or two?", "from a pipe"]);
    assert!(bob.types(&["unread", "--incoming"]).ok().contains("Or two?"));

    let thread = first["thread"].as_str().unwrap();
    assert_eq!(bob.types(&["threads", "open", "ann"]).ok().trim(), thread);
    let read = bob.json(&["messages", "read", &first["id"].to_string()]);
    assert_eq!(read["is_read"], true);
    bob.types(&["threads", "read", thread]).ok();
    assert_eq!(bob.json(&["unread", "--incoming", "--count"]), json!({"count": 0}));

    let listed = ann.json(&["messages", "list", thread]);
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert!(listed.as_array().unwrap().iter().all(|message| message["is_read"] == true), "{listed}");
    let threads = ann.json(&["threads", "list"]);
    assert_eq!(threads[0]["id"], thread);
    let edited = ann.json(&["messages", "edit", &first["id"].to_string(), "Or three?"]);
    assert_eq!(edited["text"], "Or three?");
    ann.types(&["messages", "delete", &first["id"].to_string(), "--yes"]).ok();

    ann.types(&["logout"]).ok();
    ann.types(&["whoami"]).failed(4);
    ann.typed(&["login", "ann", "--password-stdin"], "a long password\n").ok();
    assert_eq!(ann.json(&["whoami"]), ann_is);
    server.stop();
}

async fn every_exit_status_has_its_meaning(database: Database) {
    let server = Program::serve(&database, &["--open-registration"]);
    let (ann, bob) = (Terminal::of(&server, "ann"), Terminal::of(&server, "bob"));
    let message = ann.json(&["send", "bob", "hello", "--idempotency-key", "k1"]);
    let (id, thread) = (message["id"].to_string(), message["thread"].as_str().unwrap());
    assert_eq!(ann.json(&["send", "bob", "hello", "--idempotency-key", "k1"]), message);

    for (status, terminal, args) in [
        (2, &ann, &["send"][..]),
        (2, &ann, &["nonsense"]),
        (2, &ann, &["messages", "delete", &id]),
        (3, &ann, &["messages", "show", "987654"]),
        (3, &ann, &["send", "unknown", "hello"]),
        (3, &ann, &["threads", "show", "00000000-0000-4000-8000-000000000000"]),
        (4, &Terminal::new(&server), &["threads", "list"]),
        (4, &bob, &["messages", "edit", &id, "mine now"]),
        (4, &bob, &["messages", "delete", &id, "--yes"]),
        (5, &ann, &["send", "bob", "  "]),
        (5, &ann, &["send", "ann", "to myself"]),
        (5, &ann, &["messages", "send", thread, "other", "--idempotency-key", "k1"]),
        (5, &ann, &["register", "Ann", "--password-stdin"]),
    ] {
        let output = terminal.typed(args, "a long password\n");
        let out = output.out.clone();
        let stderr = output.failed(status);
        assert!(!stderr.is_empty() && out.is_empty(), "{args:?}: {stderr}");
    }
    server.stop();

    ann.types(&["threads", "list"]).failed(7);
    std::fs::write(ann.home.path().join("chat-cli/default.toml"), "not a session").unwrap();
    ann.types(&["threads", "list"]).failed(1);
}

async fn digits_never_reach_the_wrong_user(database: Database) {
    let server = Program::serve(&database, &["--open-registration"]);
    let (ann, bob) = (Terminal::of(&server, "ann"), Terminal::of(&server, "bob"));
    let bob_is = bob.json(&["whoami"])["id"].to_string();
    let (padded, longer) = (format!("00{bob_is}"), format!("{bob_is}0"));
    let (agent, other) = (Terminal::of(&server, &padded), Terminal::of(&server, &longer));

    let stdout = ann.types(&["send", &padded, "for the name"]).ok();
    assert!(stdout.contains(&format!("to {padded} (user ")), "{stdout}");
    let stdout = ann.types(&["send", &bob_is, "for the id"]).ok();
    assert!(stdout.contains(&format!("to bob (user {bob_is})")), "{stdout}");

    let user_with_this_name = Terminal::of(&server, &bob_is);
    let stderr = ann.types(&["send", &bob_is, "for whom?"]).failed(2);
    assert!(stderr.contains(&format!("id:{bob_is} or name:{bob_is}")), "{stderr}");
    ann.types(&["send", &format!("id:{bob_is}"), "for the id"]).ok();
    ann.types(&["send", &format!("name:{bob_is}"), "for the name"]).ok();
    for (terminal, messages) in [(&agent, 1), (&bob, 2), (&user_with_this_name, 1), (&other, 0)] {
        assert_eq!(terminal.json(&["unread", "--count"]), json!({"count": messages}));
    }
    server.stop();
}
