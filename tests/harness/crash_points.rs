//! Kills a program before a given step of its work on files.

use std::{
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// A library that a program preloads. It kills the program before a step.
///
/// A step changes a name or the permissions of a file, or syncs a file.
#[derive(Debug)]
pub struct CrashPoints {
    folder: TempDir,
}

impl CrashPoints {
    /// Compiles the library.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("chat-crash-").tempdir().expect("a temporary folder");
        let crash_points = Self { folder };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/crash_points.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(crash_points.library())
            .arg(source);
        assert!(cc.status().expect("the C compiler runs").success(), "the library compiles");
        crash_points
    }

    /// Returns the variables that make the library kill a program before a step.
    ///
    /// The steps in the folder `files` are counted from 1.
    pub fn kill_before(&self, step: u32, files: &Path) -> [(&'static str, PathBuf); 3] {
        [
            ("LD_PRELOAD", self.library()),
            ("CHAT_CRASH_FILES", files.to_owned()),
            ("CHAT_CRASH_KILL", step.to_string().into()),
        ]
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("crash_points.so")
    }
}

impl Default for CrashPoints {
    fn default() -> Self {
        Self::new()
    }
}
