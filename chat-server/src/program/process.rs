//! What the operating system says of this process, by the names that Prometheus's own libraries use.

use chat_core::api::Timestamp;

/// The numbers that can be had here, in Prometheus's text format.
pub(super) fn metrics(started: Timestamp) -> String {
    let mut text = String::new();
    let seconds = started.as_micros() as f64 / 1e6;
    let mut tell = |name: &str, kind: &str, help: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"));
        }
    };
    let help = "Start time of the process since the Unix epoch.";
    tell("process_start_time_seconds", "gauge", help, Some(seconds.to_string()));
    let help = "User and system CPU time spent.";
    tell("process_cpu_seconds_total", "counter", help, system::cpu_seconds().map(|n| n.to_string()));
    let help = "Resident memory size.";
    tell("process_resident_memory_bytes", "gauge", help, system::resident_bytes().map(|n| n.to_string()));
    tell("process_open_fds", "gauge", "Open file descriptors.", system::open_files().map(|n| n.to_string()));
    let help = "How many there may be.";
    tell("process_max_fds", "gauge", help, files_limit().map(|n| n.to_string()));
    text
}

/// How many files the process may have open at a time, connections included; none where there is no limit.
#[cfg(unix)]
pub(super) fn files_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
pub(super) fn files_limit() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    pub(super) fn cpu_seconds() -> Option<f64> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name before may hold anything, blanks and brackets included.
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut times = rest.split(' ').skip(11).map_while(|number| number.parse::<u64>().ok());
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
        // The one that lists them is among them.
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
