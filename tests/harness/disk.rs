//! A simulated disk. A test can fill it, count its syncs, and make them fail.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// Controls a library that programs preload.
///
/// The library intercepts the writes and syncs of the programs' files.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Compiles the library. At first no operation fails.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("chat-disk-").tempdir().expect("a temporary folder");
        // Postgres may run under another account.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("its permissions");
        let disk = Self { folder };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/disk.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(disk.path("disk.so")).arg(source);
        assert!(cc.status().expect("the C compiler runs").success(), "the library compiles");
        disk
    }

    /// Returns the variables that apply this disk to a program's files.
    ///
    /// It applies to the files below the folder `files`.
    pub fn environment(&self, files: &Path) -> [(&'static str, PathBuf); 3] {
        [
            ("LD_PRELOAD", self.path("disk.so")),
            ("CHAT_DISK_FILES", files.to_owned()),
            ("CHAT_DISK_CONTROL", self.folder.path().to_owned()),
        ]
    }

    /// Refuses to extend any file until [`free_space`](Self::free_space) is called.
    pub fn fill(&self) {
        fs::write(self.path("full"), "").expect("a control file");
    }

    /// Lets files grow again.
    pub fn free_space(&self) {
        fs::remove_file(self.path("full")).expect("a control file");
    }

    /// Fails every sync until [`restore_syncs`](Self::restore_syncs) is called.
    pub fn fail_syncs(&self) {
        fs::write(self.path("broken"), "").expect("a control file");
    }

    /// Lets syncs succeed again.
    pub fn restore_syncs(&self) {
        fs::remove_file(self.path("broken")).expect("a control file");
    }

    /// Returns the number of syncs that succeeded so far.
    pub fn syncs(&self) -> u64 {
        fs::metadata(self.path("synced")).map_or(0, |file| file.len())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}
