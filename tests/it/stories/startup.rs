//! Errors at the start of a server.

use chat_tests::{Database, on_both_databases, program, run};
use std::net::TcpListener;

on_both_databases!(the_error_names_a_port_that_is_in_use, a_database_of_a_later_version_is_refused);

fn refusal(database: &Database, args: &[&str]) -> String {
    let stderr = run(&mut program::chat_server(database, args), "").failed(1);
    let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("chat-server: ")).collect();
    assert_eq!(lines.len(), 1, "the error is one line: {stderr}");
    lines[0].to_owned()
}

async fn the_error_names_a_port_that_is_in_use(database: Database) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let stderr = refusal(&database, &["serve", "--listen", &address]);
    assert!(stderr.contains(&address) && stderr.contains("--listen"), "{stderr}");
}

async fn a_database_of_a_later_version_is_refused(database: Database) {
    run(&mut program::chat_server(&database, &["migrate"]), "").ok();
    run(&mut program::chat_server(&database, &["user", "add", "ann", "--password-stdin"]), "1234\n").ok();
    let later = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        select max(version) + 1, 'later', max(success), checksum, 0 from _sqlx_migrations group by checksum limit 1";
    let later = later.replace("max(success)", "true");
    database.execute(later).await;
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["user", "list"]] {
        let stderr = refusal(&database, args);
        assert!(stderr.contains("newer version"), "{args:?}: {stderr}");
    }
}
