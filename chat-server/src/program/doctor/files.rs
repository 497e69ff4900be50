//! The files of an SQLite database, and the disk they are on.

use chat_core::store::sql::Finding;
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

/// What SQLite, and the server's lock, keep beside the database.
const BESIDE: [&str; 3] = ["-wal", "-shm", ".lock"];
/// With less room than this a busy server may stop writing within the hour.
const SCARCE: u64 = 256 << 20;
/// With less room than this somebody should look for more.
const LOW: u64 = 1 << 30;
/// What is written ahead is brought into the database every 128 megabytes, unless somebody reads all the time.
const WAL_MAX: u64 = 512 << 20;

/// Looks at the files of the database at `file`; nothing where there is none, which is found when it is opened.
pub(super) fn examine(file: &Path) -> Vec<Finding> {
    let Ok(file) = fs::canonicalize(file) else { return Vec::new() };
    let files: Vec<PathBuf> = [""].iter().chain(&BESIDE).map(|suffix| beside(&file, suffix)).collect();
    let mut found = system::rights(&files);
    found.extend(system::room(&file));
    found.extend(written_ahead(&file));
    found
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    name.into()
}

fn written_ahead(file: &Path) -> io::Result<Finding> {
    let size = fs::metadata(beside(file, "-wal"))?.len();
    Ok(if size > WAL_MAX {
        let text = format!("{} MB are written beside the database and not in it yet", size >> 20);
        let advice =
            "see what reads the database for so long, a backup or a shell; a restart of the server ends it";
        Finding::warning("log", text, advice)
    } else {
        Finding::ok("log", "what is written ahead goes into the database in time")
    })
}

#[cfg(unix)]
mod system {
    use super::{Finding, LOW, SCARCE, fs};
    use rustix::fs::{Access, access, statvfs};
    use std::{
        os::unix::fs::MetadataExt as _,
        path::{Path, PathBuf},
    };

    /// Whether this user can use the files, and nobody else: the database first, then what is beside it.
    pub(super) fn rights(files: &[PathBuf]) -> Vec<Finding> {
        let there = || files.iter().filter_map(|file| Some((file, fs::metadata(file).ok()?)));
        let names = |files: Vec<&PathBuf>| {
            files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ")
        };
        let closed: Vec<_> = there()
            .map(|(file, _)| file)
            .filter(|file| access(*file, Access::READ_OK | Access::WRITE_OK).is_err())
            .collect();
        let open: Vec<_> =
            there().filter(|(_, data)| data.mode() & 0o077 != 0).map(|(file, _)| file).collect();
        let owner = there().next().map(|(_, data)| data.uid());
        let strange: Vec<_> =
            there().filter(|(_, data)| Some(data.uid()) != owner).map(|(file, _)| file).collect();
        let folder = files.first().and_then(|file| file.parent());
        let shut = folder.filter(|folder| access(*folder, Access::WRITE_OK | Access::EXEC_OK).is_err());

        let mut found = Vec::new();
        if !closed.is_empty() {
            let text = format!("this user may not read and write {}", names(closed));
            found.push(Finding::problem("rights", text, "run as the owner of these files, or chown them"));
        }
        if let Some(folder) = shut {
            let text = format!("this user may not make files in {}, which SQLite has to", folder.display());
            found.push(Finding::problem("rights", text, "let the server's user write in that folder"));
        }
        if !strange.is_empty() {
            let names = names(strange);
            let text = format!("not everything belongs to the owner of the database: {names}");
            let advice = "chown these files, and run all commands as that user";
            found.push(Finding::problem("rights", text, advice));
        }
        if !open.is_empty() {
            let names = names(open);
            let text = "other users of this machine may read messages and password hashes";
            found.push(Finding::warning("rights", text, format!("chmod 600 {names}")));
        }
        if found.is_empty() {
            found.push(Finding::ok("rights", "the files are their owner's alone, and usable"));
        }
        found
    }

    /// How much room there is.
    pub(super) fn room(file: &Path) -> Option<Finding> {
        let size = fs::metadata(file).ok()?.len();
        let disk = statvfs(file).ok()?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let text = format!("{} MB are free, and the database has {} MB", free >> 20, size >> 20);
        let advice = "make room, or move the database to a larger disk";
        Some(match free {
            ..SCARCE => Finding::problem("disk", text, advice),
            _ if free < LOW || free < size => Finding::warning("disk", text, advice),
            _ => Finding::ok("disk", text),
        })
    }
}

#[cfg(not(unix))]
mod system {
    use super::Finding;
    use std::path::{Path, PathBuf};

    pub(super) fn rights(_: &[PathBuf]) -> Vec<Finding> {
        Vec::new()
    }
    pub(super) fn room(_: &Path) -> Option<Finding> {
        None
    }
}
