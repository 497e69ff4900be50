//! The address of a Postgres database, as the program reads it.

use chat_tests::{Cluster, Database, Program, program, run};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::{fs, os::unix::fs::PermissionsExt as _};

/// Every secret of these tests contains this text.
const SECRET: &str = "s3cret";

fn migrate(url: String) -> std::process::Command {
    let mut command = program::chat_server(&Database::at(url), &["migrate"]);
    command.env("CHAT_LOG", "trace");
    command
}

/// Returns the address without its user.
fn without_user(cluster: &Cluster) -> String {
    cluster.url().replace("postgres://postgres@localhost/", "postgres:///")
}

#[tokio::test]
async fn without_a_user_the_role_has_the_name_of_the_system_user() {
    let cluster = Cluster::dedicated();
    let url = without_user(&cluster);
    let user = run(program::command("id").arg("-un"), "").ok();
    let refusal = run(&mut migrate(url.clone()), "").failed(1);
    assert!(refusal.contains(&format!("role \"{}\" does not exist", user.trim())), "{refusal}");
    assert!(refusal.contains("createuser"), "{refusal}");

    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    let create = format!("create role \"{}\" login superuser", user.trim());
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut administrator).await.unwrap();
    run(&mut migrate(url.clone()), "").ok();
    // An empty variable counts as unset.
    run(migrate(url.clone()).env("PGUSER", ""), "").ok();
    let refusal = run(migrate(url).env("PGUSER", "ben"), "").failed(1);
    assert!(refusal.contains("role \"ben\" does not exist"), "{refusal}");
}

#[test]
fn a_parameter_that_is_not_supported_is_refused_without_its_value() {
    let cluster = Cluster::dedicated();
    for name in ["sslpassword", "target_session_attrs", "passfile", "no_such_parameter"] {
        let refusal = run(&mut migrate(format!("{}&{name}={SECRET}", cluster.url())), "").failed(2);
        assert!(refusal.contains(name) && !refusal.contains(SECRET), "{refusal}");
    }
    let several = cluster.url().replace("@localhost/", "@one,two/");
    let refusal = run(&mut migrate(several), "").failed(2);
    assert!(refusal.contains("several hosts"), "{refusal}");
    for (variable, value) in [
        ("PGSSLMODE", "s3cret"),
        ("PGPORT", "s3cret"),
        ("PGTARGETSESSIONATTRS", "primary"),
        ("PGSERVICE", "s3cret"),
    ] {
        let refusal = run(migrate(without_user(&cluster)).env(variable, value), "").failed(2);
        assert!(refusal.contains(variable) && !refusal.contains(value), "{refusal}");
    }
}

#[test]
fn parameters_without_effect_are_accepted_and_not_logged() {
    let cluster = Cluster::dedicated();
    let ignored = "connect_timeout=10&keepalives=1&keepalives_idle=30&channel_binding=prefer";
    let database = Database::at(format!("{}&{ignored}&password={SECRET}", cluster.url()));
    let server = Program::serve(&database, &[]);
    server.forbid(SECRET);
    server.forbid("connect_timeout");
    server.stop();
}

/// The driver would log each line of the password file that it cannot parse.
#[test]
fn a_password_file_that_cannot_be_read_is_not_logged() {
    let cluster = Cluster::dedicated();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pgpass");
    for line in [
        format!("localhost:5432:postgres {SECRET}\n"),
        format!("{SECRET}\n"),
        format!("*:*:*:*:{SECRET}\\x\n"),
    ] {
        fs::write(&file, line).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let output = run(migrate(cluster.url()).env("PGPASSFILE", &file), "");
        assert!(!output.err.contains(SECRET), "{output:?}");
        let _ = output.ok();
    }
}
