//! The file of an SQLite database: its address, its only server, its permissions.

use crate::program::{Ended, Program, database};
use std::fs;

const SERVE: &str = "serve --listen 127.0.0.1:0";

/// Commands that open the database.
const COMMANDS: [&str; 5] = ["migrate", "user list", "token list ann", "backup copy.db", SERVE];

/// Returns a program with a database that has the user `ann`.
fn with_ann() -> Program {
    let program = Program::new();
    program.run_with("user add ann --password-stdin", "1234\n").printed();
    program
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_has_one_server_under_each_of_its_hard_links() {
    let program = with_ann();
    fs::create_dir(program.path("other")).unwrap();
    fs::hard_link(program.path("chat.db"), program.path("other/chat.db")).unwrap();
    let link = database(&program.path("other/chat.db"));
    let first = program.serve("");
    let refusal = program.run(&format!("{SERVE} {link}")).refused(1);
    assert!(
        refusal.contains("another chat-server serves") && refusal.contains("under another path"),
        "{refusal}"
    );
    first.stop("TERM");
    let second = program.serve(&link);
    let refusal = program.run(SERVE).refused(1);
    assert!(refusal.contains("under another path"), "{refusal}");
    second.kill();
    program.serve("");
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_refuses_a_file_that_is_served_under_another_path() {
    let program = with_ann();
    fs::create_dir(program.path("other")).unwrap();
    fs::hard_link(program.path("chat.db"), program.path("other/chat.db")).unwrap();
    let link = database(&program.path("other/chat.db"));
    let server = program.serve("");
    for command in COMMANDS.iter().chain(&["user disable ann", "user list --json"]) {
        let refusal = program.run(&format!("{command} {link}")).refused(1);
        assert!(refusal.contains("under another path"), "{command}: {refusal}");
    }
    let doctor = program.run(&format!("doctor --json {link}"));
    assert!(doctor.stdout.contains("under another path"), "{doctor:?}");
    assert_eq!(doctor.status, Some(1));
    assert_eq!(fs::read_dir(program.path("other")).unwrap().count(), 2, "no file but the lock was created");
    program.run("user disable ann").printed();
    assert!(!program.run("doctor --json").stdout.contains("under another path"));
    server.kill();
    program.run(&format!("user list {link}")).printed();
}

#[cfg(unix)]
#[test]
fn the_doctor_and_the_server_warn_of_a_second_path() {
    let program = with_ann();
    assert!(!program.run("doctor").stdout.contains("hard links"));
    fs::hard_link(program.path("chat.db"), program.path("link.db")).unwrap();
    assert!(program.run("doctor").stdout.contains("the file has 2 hard links"));
    program.serve("").logged("the file has 2 hard links");
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_to_a_missing_file_creates_its_target() {
    let program = Program::new();
    fs::create_dir(program.path("data")).unwrap();
    std::os::unix::fs::symlink("data/chat.db", program.path("link.db")).unwrap();
    let link = database(&program.path("link.db"));
    for command in ["user disable ann", "user list"] {
        let address = format!("{link}?mode=rw");
        assert!(program.run(&format!("{command} {address}")).refused(1).contains("does not exist"));
    }
    let server = program.serve(&format!("--open-registration {link}"));
    let ann = r#"{"username": "ann", "password": "a long one"}"#;
    assert_eq!(server.request("POST", "/users/", "", ann).0, 201);
    server.stop("TERM");
    assert!(program.path("data/chat.db").is_file());
    let users = program.run(&format!("user list --json {}", database(&program.path("data/chat.db")))).json();
    assert_eq!(users[0]["username"], "ann");
}

#[test]
fn an_address_that_sqlite_would_read_as_a_uri_is_refused() {
    let program = with_ann();
    for address in ["sqlite:file:chat.db", "sqlite://file:chat.db?mode=memory", "sqlite:file:///tmp/chat.db"]
    {
        for command in COMMANDS.iter().chain(&["doctor"]) {
            let refusal = program.run(&format!("{command} --database-url {address}")).refused(2);
            assert!(refusal.contains("file:") && refusal.contains("sqlite://PATH"), "{command}: {refusal}");
        }
    }
    let refusal = program.run("backup file:copy.db").refused(1);
    assert!(refusal.contains("begins with file:"), "{refusal}");
    let names: Vec<_> =
        fs::read_dir(program.path("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["chat.db"], "nothing else was created");
}

#[test]
fn a_parameter_of_the_address_is_refused_by_name() {
    let program = with_ann();
    for (parameters, name) in [
        ("key=s3cret", "key"),
        ("mode=s3cret", "mode"),
        ("mode=rw&cache=s3cret", "cache"),
        ("MODE=rw", "MODE"),
    ] {
        for command in COMMANDS.iter().chain(&["doctor"]) {
            let refusal =
                program.run(&format!("{command} --database-url sqlite://chat.db?{parameters}")).refused(2);
            assert!(refusal.contains(&format!("the parameter {name} ")), "{command}: {refusal}");
            assert!(!refusal.contains("s3cret"), "{refusal}");
        }
    }
}

#[test]
fn the_mode_of_the_address_is_obeyed() {
    let program = with_ann();
    let list = "user list --json --database-url sqlite://chat.db?mode=";
    for mode in ["ro", "rw", "rwc"] {
        assert_eq!(program.run(&format!("{list}{mode}")).json()[0]["username"], "ann", "{mode}");
    }
    program.run("backup copy.db --database-url sqlite://chat.db?mode=ro").printed();

    let refusal = program.run("user disable ann --database-url sqlite://chat.db?mode=ro").refused(1);
    assert!(refusal.contains("mode=ro"), "{refusal}");
    let refusal = program.run(&format!("{SERVE} --database-url sqlite://chat.db?mode=ro")).refused(2);
    assert!(refusal.contains("mode=ro"), "{refusal}");
    fs::write(program.path("empty.db"), "").unwrap();
    let refusal = program.run("migrate --database-url sqlite://empty.db?mode=ro").refused(1);
    assert!(refusal.contains("empty.db is not up to date"), "{refusal}");

    for command in ["migrate", SERVE] {
        let refusal = program.run(&format!("{command} --database-url sqlite://no.db?mode=rw")).refused(1);
        assert!(refusal.contains("no.db does not exist"), "{command}: {refusal}");
    }
    assert!(!program.path("no.db").exists());
    program.serve("--database-url sqlite://new.db?mode=rwc");
    assert!(program.path("new.db").exists(), "the path ends at the question mark");
}

#[test]
fn the_path_of_the_address_has_no_escapes() {
    let program = Program::new();
    program.run("migrate --database-url sqlite://a%20b.db").printed();
    assert!(program.path("a%20b.db").exists());
}

#[cfg(unix)]
mod permissions {
    use super::*;
    use std::os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, symlink},
        process::CommandExt as _,
    };

    /// A user and a group without rights of their own.
    const UNPRIVILEGED: u32 = 65534;

    fn set_mode(program: &Program, name: &str, mode: u32) {
        fs::set_permissions(program.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Runs a command as a user without the rights of root.
    fn run(program: &Program, line: &str) -> Ended {
        run_in(program, 0o777, line)
    }

    /// Does the same while the folder of the database has this mode.
    fn run_in(program: &Program, mode: u32, line: &str) -> Ended {
        let mut command = program.command(line);
        if fs::metadata(program.path("")).unwrap().uid() == 0 {
            for file in fs::read_dir(program.path("")).unwrap() {
                std::os::unix::fs::lchown(file.unwrap().path(), Some(UNPRIVILEGED), Some(UNPRIVILEGED))
                    .unwrap();
            }
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        set_mode(program, "", mode);
        let ended = Ended::of(&mut command);
        set_mode(program, "", 0o777);
        ended
    }

    #[test]
    fn a_read_only_file_is_refused_and_used_once_it_is_writable() {
        let program = with_ann();
        set_mode(&program, "chat.db", 0o400);
        for command in COMMANDS {
            let refusal = run(&program, command).refused(1);
            assert!(refusal.contains("chat.db is read-only"), "{command}: {refusal}");
        }
        assert!(!program.path("chat.db-shm").exists(), "SQLite has not opened the file");
        let users = run(&program, "user list --json --database-url sqlite://chat.db?mode=ro").json();
        assert_eq!(users[0]["username"], "ann");

        set_mode(&program, "chat.db", 0o600);
        run(&program, "user disable ann").printed();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named_and_mode_ro_reads_the_database() {
        let program = with_ann();
        let run = |line: &str| run_in(&program, 0o555, line);
        let list = "user list --json --database-url sqlite://chat.db?mode=ro";
        for command in ["user list", "migrate", "user disable ann"] {
            let refusal = run(command).refused(1);
            assert!(refusal.contains("cannot create the files beside chat.db"), "{command}: {refusal}");
            assert!(refusal.contains("?mode=ro"), "{command}: {refusal}");
        }
        let refusal = run(SERVE).refused(1);
        assert!(refusal.contains("let this user write to its folder"), "{refusal}");
        assert_eq!(run(list).json()[0]["username"], "ann");
        assert_eq!(fs::read_dir(program.path("")).unwrap().count(), 1, "nothing was created");

        let server = program.serve("");
        program.run("user disable ann").printed();
        server.kill();
        fs::remove_file(program.path("chat.db-shm")).unwrap();
        let refusal = run(list).refused(1);
        assert!(refusal.contains("cannot create the files beside chat.db"), "{refusal}");
        assert!(program.path("chat.db-wal").exists(), "its changes are not left out");
    }

    /// Checks a database with the files that earlier versions left beside it.
    ///
    /// They opened a read-only file, and SQLite then created read-only files beside it.
    #[test]
    fn read_only_files_beside_a_writable_file_are_made_writable() {
        let program = with_ann();
        for name in ["chat.db-wal", "chat.db-shm"] {
            program.write(name, "");
            set_mode(&program, name, 0o400);
        }
        run(&program, "user disable ann").printed();
    }

    #[test]
    fn a_file_of_root_is_named_with_its_owner() {
        let program = with_ann();
        // A file that belongs to root, and that no other user can write.
        for (name, commands) in [
            ("chat.db.lock", &[SERVE][..]),
            ("chat.db-wal", &["user list", SERVE]),
            ("chat.db-shm", &["user list", SERVE]),
        ] {
            symlink("/etc/passwd", program.path(name)).unwrap();
            for command in commands {
                let refusal = run(&program, command).refused(1);
                assert!(
                    refusal.contains(name)
                        && refusal.contains("belongs to root")
                        && refusal.contains("chown"),
                    "{command}: {refusal}"
                );
            }
            fs::remove_file(program.path(name)).unwrap();
        }
        fs::remove_file(program.path("chat.db")).unwrap();
        symlink("/etc/passwd", program.path("chat.db")).unwrap();
        let refusal = run(&program, "user list").refused(1);
        assert!(refusal.contains("/etc/passwd, which belongs to root"), "{refusal}");
    }

    /// Checks the lock file after root has started a server once.
    ///
    /// The user of the server must still be able to start it.
    #[test]
    fn a_lock_file_that_root_creates_belongs_to_the_owner_of_the_database() {
        let program = with_ann();
        run(&program, "user list").printed();
        program.serve("").stop("TERM");
        let owner = |name: &str| fs::metadata(program.path(name)).unwrap().uid();
        assert_eq!(owner("chat.db.lock"), owner("chat.db"));
    }
}
