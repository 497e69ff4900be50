//! Checks of the files of an SQLite database, and of their disk.

use chat_core::store::sql::Finding;
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

/// Suffixes of the files beside the database: SQLite's, and the server's lock.
const SUFFIXES: [&str; 3] = ["-wal", "-shm", ".lock"];
/// Less free space than this, in bytes, is a problem.
///
/// A busy server can fill it within an hour.
const SPACE_PROBLEM: u64 = 256 << 20;
/// Less free space than this, in bytes, is a warning.
const SPACE_WARNING: u64 = 1 << 30;
/// A WAL larger than this, in bytes, is reported.
///
/// The server keeps the file below 20 megabytes, unless a long read transaction prevents a checkpoint.
const WAL_WARNING: u64 = 25_000_000;

/// Checks the files of the database at `file`.
///
/// Returns no findings if it does not exist. Opening the database reports the missing file.
pub(super) fn examine(file: &Path) -> Vec<Finding> {
    let Ok(file) = fs::canonicalize(file) else { return Vec::new() };
    let files: Vec<PathBuf> = [""].iter().chain(&SUFFIXES).map(|suffix| beside(&file, suffix)).collect();
    let mut findings = system::permissions(&files);
    findings.extend(system::free_space(&file));
    findings.extend(wal(&file));
    findings
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    name.into()
}

fn wal(file: &Path) -> io::Result<Finding> {
    let size = fs::metadata(beside(file, "-wal"))?.len();
    let text = format!("the WAL has {} MB", size.div_ceil(1_000_000));
    Ok(if size > WAL_WARNING {
        let advice = "end the program that reads the database for so long, such as a backup or a shell; the server shrinks the \
             WAL within ten batches of writes after that";
        Finding::warning("log", text, advice)
    } else {
        Finding::ok("log", text)
    })
}

#[cfg(unix)]
mod system {
    use super::{Finding, SPACE_PROBLEM, SPACE_WARNING, fs};
    use rustix::fs::{Access, access, statvfs};
    use std::{
        os::unix::fs::MetadataExt as _,
        path::{Path, PathBuf},
    };

    /// The permission bits of all users but the owner.
    const GROUP_AND_OTHERS: u32 = 0o077;

    /// Checks that this user can use the files, and that no other user can.
    ///
    /// The first file is the database.
    pub(super) fn permissions(files: &[PathBuf]) -> Vec<Finding> {
        let existing = || files.iter().filter_map(|file| Some((file, fs::metadata(file).ok()?)));
        let names = |files: Vec<&PathBuf>| {
            files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ")
        };
        let inaccessible: Vec<_> = existing()
            .map(|(file, _)| file)
            .filter(|file| access(*file, Access::READ_OK | Access::WRITE_OK).is_err())
            .collect();
        let readable_by_others: Vec<_> = existing()
            .filter(|(_, data)| data.mode() & GROUP_AND_OTHERS != 0)
            .map(|(file, _)| file)
            .collect();
        let owner = existing().next().map(|(_, data)| data.uid());
        let of_other_owners: Vec<_> =
            existing().filter(|(_, data)| Some(data.uid()) != owner).map(|(file, _)| file).collect();
        let folder = files.first().and_then(|file| file.parent());
        let read_only_folder =
            folder.filter(|folder| access(*folder, Access::WRITE_OK | Access::EXEC_OK).is_err());

        let mut findings = Vec::new();
        if !inaccessible.is_empty() {
            let text = format!("this user cannot read and write {}", names(inaccessible));
            findings.push(Finding::problem("rights", text, "run as the owner of these files, or chown them"));
        }
        if let Some(folder) = read_only_folder {
            let text = format!("this user cannot create files in {}, but SQLite has to", folder.display());
            findings.push(Finding::problem(
                "rights",
                text,
                "let the user of the server write to that folder",
            ));
        }
        if !of_other_owners.is_empty() {
            let names = names(of_other_owners);
            let text = format!("these files do not belong to the owner of the database: {names}");
            let advice = "chown these files, and run all commands as that user";
            findings.push(Finding::problem("rights", text, advice));
        }
        if !readable_by_others.is_empty() {
            let names = names(readable_by_others);
            let text = "other users of this machine can read messages and password hashes";
            findings.push(Finding::warning("rights", text, format!("chmod 600 {names}")));
        }
        if findings.is_empty() {
            findings.push(Finding::ok("rights", "only the owner can use the files"));
        }
        findings
    }

    /// Checks the free space on the disk.
    pub(super) fn free_space(file: &Path) -> Option<Finding> {
        let size = fs::metadata(file).ok()?.len();
        let disk = statvfs(file).ok()?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let text = format!("the disk has {} MB free; the database takes {} MB", free >> 20, size >> 20);
        let advice = "free some space, or move the database to a larger disk";
        Some(match free {
            ..SPACE_PROBLEM => Finding::problem("disk", text, advice),
            _ if free < SPACE_WARNING || free < size => Finding::warning("disk", text, advice),
            _ => Finding::ok("disk", text),
        })
    }
}

#[cfg(not(unix))]
mod system {
    use super::Finding;
    use std::path::{Path, PathBuf};

    pub(super) fn permissions(_: &[PathBuf]) -> Vec<Finding> {
        Vec::new()
    }
    pub(super) fn free_space(_: &Path) -> Option<Finding> {
        None
    }
}
