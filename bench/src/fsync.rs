//! What the disk takes to confirm a write, whatever runs on top of it.

use crate::load::Seen;
use anyhow::Result;
use std::{
    fs::File,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

/// How long it is measured.
const TIME: Duration = Duration::from_secs(1);

/// Appends 4 KiB to a file in `folder` and has the disk confirm it, again and again.
pub(crate) fn measure(folder: &Path) -> Result<Seen> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let mut seen = Seen::new()?;
    let end = Instant::now() + TIME;
    while Instant::now() < end {
        let began = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        seen.latencies.saturating_record(u64::try_from(began.elapsed().as_nanos())?);
        seen.requests += 1;
    }
    Ok(seen)
}
