//! Tests of a cluster: it starts, stops, starts again, and is kept or removed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot be set up fails")]

use local_postgres::Builder;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use tempfile::TempDir;

/// Returns the system identifier, which `initdb` generates for each cluster.
fn system_identifier(data_folder: &Path) -> Vec<u8> {
    fs::read(data_folder.join("global/pg_control")).unwrap()[..8].to_vec()
}

/// Returns a folder that the account of Postgres may enter.
///
/// This matters if the tests run as root.
fn folder() -> TempDir {
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o755)).tempdir().unwrap()
}

#[test]
fn a_temporary_cluster_is_removed_when_it_is_dropped() {
    let builder = Builder::temporary().unwrap().settings("fsync = off");
    let data_folder = builder.data_folder();
    let cluster = builder.start().unwrap();
    assert!(cluster.socket().exists());
    let settings = fs::read_to_string(data_folder.join("postgresql.conf")).unwrap();
    assert!(settings.lines().any(|line| line == "fsync = off"));
    drop(cluster);
    assert!(!data_folder.parent().unwrap().exists());
}

#[test]
fn a_kept_cluster_is_reused() {
    let folder = folder();
    let path = folder.path().join("postgres");
    drop(Builder::kept_in(&path).unwrap().start().unwrap());
    let first = system_identifier(&path.join("data"));
    let cluster = Builder::kept_in(&path).unwrap().start().unwrap();
    assert!(cluster.socket().exists());
    assert_eq!(system_identifier(&path.join("data")), first);
}

#[test]
fn a_stopped_cluster_starts_again() {
    let cluster = Builder::temporary().unwrap().settings("fsync = off").start().unwrap();
    let first = cluster.process_id().unwrap();
    for mode in ["fast", "immediate"] {
        cluster.stop(mode).unwrap();
        assert!(cluster.stop(mode).is_err(), "it is already stopped");
        cluster.start().unwrap();
        assert_ne!(cluster.process_id().unwrap(), first);
    }
}
