//! The metrics of this process, with the names of Prometheus's client libraries.

use chat_core::api::Timestamp;
use chat_server::{
    Exposition,
    MetricKind::{self, Counter, Gauge},
};
use std::fmt::Display;

const MICROS_PER_SECOND: f64 = 1e6;

/// Writes the metrics that this system provides.
pub(super) fn metrics(started: Timestamp, text: &mut Exposition) {
    let seconds = started.as_micros() as f64 / MICROS_PER_SECOND;
    let help = "Start time of the process since the Unix epoch.";
    number(text, Gauge, "process_start_time_seconds", help, Some(seconds));
    let help = "User and system CPU time spent.";
    number(text, Counter, "process_cpu_seconds_total", help, system::cpu_seconds());
    number(text, Gauge, "process_resident_memory_bytes", "Resident memory size.", system::resident_bytes());
    number(text, Gauge, "process_open_fds", "Open file descriptors.", system::open_files());
    number(text, Gauge, "process_max_fds", "Limit on open file descriptors.", open_files_limit());
}

/// Writes a metric if the system provides its value.
fn number(text: &mut Exposition, kind: MetricKind, name: &str, help: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        text.numbers(kind, name, help, [([], value)]);
    }
}

/// Returns the limit on open files, which include connections.
///
/// `None` if there is no limit, or if the system is not Unix.
#[cfg(unix)]
pub(super) fn open_files_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
pub(super) fn open_files_limit() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    /// Fields of `/proc/self/stat` between the process name and `utime`.
    ///
    /// `stime` follows `utime`: see proc(5).
    const FIELDS_BEFORE_UTIME: usize = 11;

    pub(super) fn cpu_seconds() -> Option<f64> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The process name may contain any character, including spaces and parentheses.
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut times =
            rest.split(' ').skip(FIELDS_BEFORE_UTIME).map_while(|number| number.parse::<u64>().ok());
        let ticks = times.next()? + times.next()?;
        Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    pub(super) fn resident_bytes() -> Option<u64> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    pub(super) fn open_files() -> Option<usize> {
        // The list includes the descriptor of the listed directory itself.
        Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn cpu_seconds() -> Option<f64> {
        None
    }
    pub(super) fn resident_bytes() -> Option<u64> {
        None
    }
    pub(super) fn open_files() -> Option<usize> {
        None
    }
}
