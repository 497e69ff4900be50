//! Databases and roles that the server refuses at its start, with the reason.

use crate::stories::doctor::Findings;
use chat_core::store::sql::{self, OpenError};
use chat_tests::{Cluster, Database, program, run};
use sqlx::{Connection as _, PgConnection};

/// Starts a cluster, and runs statements as its administrator.
async fn cluster_with(statements: &'static str) -> Cluster {
    let cluster = Cluster::dedicated();
    administer(&cluster, statements).await;
    cluster
}

async fn administer(cluster: &Cluster, statements: &'static str) {
    let mut administrator = PgConnection::connect(&cluster.url()).await.unwrap();
    for statement in statements.split(';') {
        sqlx::raw_sql(statement).execute(&mut administrator).await.unwrap();
    }
}

/// Returns the address of a database of the cluster, for this role.
fn at(cluster: &Cluster, role: &str, database: &str) -> Database {
    let url = cluster.url().replace("//postgres@", &format!("//{role}@"));
    Database::at(url.replace("/postgres?", &format!("/{database}?")))
}

/// Asserts that `serve` and `migrate` fail, and that the error contains each text.
#[track_caller]
fn is_refused(database: &Database, texts: &[&str]) {
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
        let refusal = run(&mut program::chat_server(database, args), "").failed(1);
        for text in texts {
            assert!(refusal.contains(text), "{args:?} {text:?}: {refusal}");
        }
    }
}

#[tokio::test]
async fn a_database_that_is_not_utf8_is_refused() {
    let create = "create database latin encoding 'LATIN1' template template0;
        create database ascii encoding 'SQL_ASCII' template template0";
    let cluster = cluster_with(create).await;
    for (name, encoding) in [("latin", "LATIN1"), ("ascii", "SQL_ASCII")] {
        let database = at(&cluster, "postgres", name);
        is_refused(&database, &[encoding, "createdb --encoding=UTF8"]);
        assert!(Findings::of(&database, &[]).faults().contains(&("encoding", "problem")));
    }
}

#[tokio::test]
async fn a_read_only_database_is_refused() {
    let cluster = cluster_with("create database current").await;
    let current = at(&cluster, "postgres", "current");
    // If the schema is current, no migration fails.
    run(&mut program::chat_server(&current, &["migrate"]), "").ok();
    let read_only = "alter database current set default_transaction_read_only = on;
        alter database postgres set default_transaction_read_only = on";
    administer(&cluster, read_only).await;
    let database = at(&cluster, "postgres", "postgres");
    for database in [&database, &current] {
        is_refused(database, &["read-only", "primary"]);
    }
    assert!(Findings::of(&database, &[]).faults().contains(&("writable", "problem")));
}

#[tokio::test]
async fn settings_that_lose_messages_are_warnings() {
    let cluster = Cluster::dedicated();
    let database = at(&cluster, "postgres", "postgres");
    run(&mut program::chat_server(&database, &["migrate"]), "").ok();
    let durability = || {
        let report = run(&mut program::chat_server(&database, &["doctor"]), "").ok();
        report.lines().find(|line| line.contains("durability: ")).unwrap().to_owned()
    };
    let line = durability();
    assert!(line.starts_with("warning") && line.contains("fsync is off"), "{line}");
    administer(
        &cluster,
        "alter system set fsync = on; alter system set synchronous_commit = off; select pg_reload_conf()",
    )
    .await;
    cluster.stop("fast");
    cluster.resume();
    let line = durability();
    assert!(line.starts_with("warning") && line.contains("synchronous_commit is off"), "{line}");
}

/// Only the owner of a database may create tables in its schema public.
///
/// This is the default since Postgres 15.
#[tokio::test]
async fn missing_privileges_are_explained() {
    let cluster = cluster_with("create role limited login; create database apart").await;
    let public = at(&cluster, "limited", "postgres");
    is_refused(&public, &["permission denied for schema public", "grant usage, create on schema public"]);
    let apart = at(&cluster, "limited", "apart");
    let apart = Database::at(format!("{}&options=-csearch_path%3Dchat", apart.url));
    is_refused(&apart, &["no schema", "create schema NAME authorization ROLE"]);

    let owner = at(&cluster, "postgres", "postgres");
    run(&mut program::chat_server(&owner, &["migrate"]), "").ok();
    is_refused(&public, &["permission denied for table _sqlx_migrations", "grant select"]);
    let examined = run(&mut program::chat_server(&public, &["doctor"]), "");
    assert!(examined.out.contains("grant select, insert, update and delete"), "{examined:?}");
    administer(&cluster, "grant select on all tables in schema public to limited").await;
    is_refused(&public, &["insert on messages", "grant select, insert"]);
    administer(&cluster, "grant insert, update on all tables in schema public to limited").await;
    is_refused(&public, &["delete on tokens, delete on threads, delete on messages", "delete on the tables"]);
    administer(&cluster, "grant delete on all tables in schema public to limited").await;
    is_refused(&public, &["usage on messages_id_seq", "all on the sequences"]);
    administer(&cluster, "grant create on schema public to limited; drop table _sqlx_migrations cascade")
        .await;
    let error = sql::connect(&public.url, &sql::Options::default()).await.unwrap_err();
    assert!(matches!(error, OpenError::Migration(_)), "the tables exist: {error:?}");
}
