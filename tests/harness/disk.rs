//! A disk that a test can fill, and whose syncs it can count and have fail.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// What stands between programs and their files: a library that they load first, which does as this says.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// One that is in order.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("chat-disk-").tempdir().expect("a temporary folder");
        // Postgres may run as somebody else.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("its permissions");
        let disk = Self { folder };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/disk.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(disk.path("disk.so")).arg(source);
        assert!(cc.status().expect("the C compiler runs").success(), "the disk compiles");
        disk
    }

    /// What a program needs in its environment to have its files in this folder on this disk.
    pub fn environment(&self, files: &Path) -> [(&'static str, PathBuf); 3] {
        [
            ("LD_PRELOAD", self.path("disk.so")),
            ("CHAT_DISK_FILES", files.to_owned()),
            ("CHAT_DISK_ORDERS", self.folder.path().to_owned()),
        ]
    }

    /// No file can be made longer from now on, until there is [room](Self::make_room) again.
    pub fn fill(&self) {
        fs::write(self.path("full"), "").expect("an order");
    }

    /// There is room again.
    pub fn make_room(&self) {
        fs::remove_file(self.path("full")).expect("an order");
    }

    /// No sync succeeds from now on, until it is [mended](Self::mend).
    pub fn break_down(&self) {
        fs::write(self.path("broken"), "").expect("an order");
    }

    /// Syncs succeed again.
    pub fn mend(&self) {
        fs::remove_file(self.path("broken")).expect("an order");
    }

    /// Syncs that succeeded so far.
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
