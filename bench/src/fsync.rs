//! The duration of an fsync on the measured disk, without any database.

use crate::measurement::Measurement;
use anyhow::Result;
use std::{
    fs::File,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

/// The duration of the measurement.
const TIME: Duration = Duration::from_secs(1);

/// Appends 4 KiB to a file in `folder` and calls `fdatasync`, repeatedly.
pub(crate) fn measure(folder: &Path) -> Result<Measurement> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let mut measurement = Measurement::new()?;
    let end = Instant::now() + TIME;
    while Instant::now() < end {
        let began = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        measurement.record(began.elapsed());
    }
    Ok(measurement)
}
