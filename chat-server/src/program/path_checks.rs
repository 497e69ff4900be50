//! Checks that an SQLite file has one path, in the folder of its WAL.

use chat_core::store::sql::Finding;
use std::{fs, path::Path};

/// Checks the links and mounts of the database at `file`.
///
/// A server logs the findings when it starts. There are none if the file does not exist: opening the database reports
/// the missing file.
pub(super) fn examine(file: &Path) -> Vec<Finding> {
    let Ok(file) = fs::canonicalize(file) else { return Vec::new() };
    [links(&file), mount(&file)].into_iter().flatten().collect()
}

/// Warns of hard links: SQLite keeps another WAL beside each.
#[cfg(unix)]
fn links(file: &Path) -> Option<Finding> {
    let links = std::os::unix::fs::MetadataExt::nlink(&fs::metadata(file).ok()?);
    let text =
        format!("the file has {links} hard links; a program that uses another one damages the database");
    let advice = "use the file under one path, and delete the other links";
    (links > 1).then(|| Finding::warning("path", text, advice))
}

#[cfg(not(unix))]
fn links(_: &Path) -> Option<Finding> {
    None
}

/// Reports a file that is mounted without its folder.
#[cfg(target_os = "linux")]
fn mount(file: &Path) -> Option<Finding> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = statx(CWD, file, AtFlags::empty(), StatxFlags::BASIC_STATS).ok()?;
    let text = "the file is mounted without its folder: the WAL beside it is lost with the mount, for example when \
         a container is removed, and with it the messages since the last checkpoint";
    found
        .stx_attributes
        .contains(StatxAttributes::MOUNT_ROOT)
        .then(|| Finding::problem("path", text, "mount the folder of the database, not the file"))
}

#[cfg(not(target_os = "linux"))]
fn mount(_: &Path) -> Option<Finding> {
    None
}
