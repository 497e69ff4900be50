//! Servers as child processes, and their CPU time and memory from /proc.

use crate::server_kind::ServerKind;
use anyhow::{Context, Result, bail};
use std::{env, fs, net::SocketAddr, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// The unit of CPU time in /proc: 10 ms (`USER_HZ` is 100) on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// A running server: this program with the command `serve`.
///
/// The process is killed when this value is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) kind: ServerKind,
    pub(crate) address: SocketAddr,
    pub(crate) process: u32,
    child: Child,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub(crate) async fn start(kind: ServerKind, url: &str) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["serve", &kind.to_string(), "--url", url]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // The server writes the lines that it logs in production. They are discarded unless CHAT_LOG is set.
        if env::var_os("CHAT_LOG").is_none() {
            command.stderr(Stdio::null());
        }
        let mut child = command.kill_on_drop(true).spawn()?;
        let process = child.id().context("the server ended at once")?;
        let output = child.stdout.take().context("the server has no standard output")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let Some(address) = line else { bail!("{kind} did not start; set CHAT_LOG=info to see its log") };
        Ok(Self { kind, address: address.parse()?, process, child })
    }

    /// Stops the server gracefully and waits until it has ended.
    pub(crate) async fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }
}

/// Returns the CPU time that a process has used, user and system.
pub(crate) fn cpu(process: u32) -> Result<Duration> {
    let fields = stat(process)?;
    let number = |n: usize| fields.get(n).and_then(|field| field.parse::<u32>().ok());
    // utime and stime are the fields 14 and 15 of the file. `fields` begins with the third field of the file.
    match (number(11), number(12)) {
        (Some(user), Some(system)) => Ok(TICK * (user + system)),
        _ => bail!("/proc/{process}/stat does not have the expected format"),
    }
}

/// Returns the CPU time of all living children of a process.
pub(crate) fn cpu_of_children(process: u32) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process that has ended since the directory was read is not counted.
        let Ok(fields) = stat(child) else { continue };
        if fields.get(1).is_some_and(|parent| *parent == process.to_string()) {
            total += cpu(child).unwrap_or_default();
        }
    }
    Ok(total)
}

/// Returns the fields of /proc/PID/stat that follow the name.
///
/// The name may contain spaces and parentheses.
fn stat(process: u32) -> Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, rest) = text.rsplit_once(") ").context("no name in /proc/PID/stat")?;
    Ok(rest.split(' ').map(str::to_owned).collect())
}

/// The memory of a process, in MB of a million bytes.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Memory {
    /// The peak of the resident memory since [`reset_peak`] (`VmHWM`).
    pub(crate) peak: f64,
    /// The resident memory (`VmRSS`).
    pub(crate) resident: f64,
    /// The anonymous part of the resident memory (`RssAnon`).
    ///
    /// It excludes the program, libraries and mapped files.
    pub(crate) anonymous: f64,
}

/// Returns the memory that a process uses now.
pub(crate) fn memory(process: u32) -> Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let megabytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes =
            line.and_then(|line| line.trim_matches([':', '\t', ' ', 'k', 'B']).parse::<f64>().ok());
        kibibytes.map(|n| n * 1024.0 / 1e6).with_context(|| format!("no {name} in /proc/{process}/status"))
    };
    Ok(Memory { peak: megabytes("VmHWM")?, resident: megabytes("VmRSS")?, anonymous: megabytes("RssAnon")? })
}

/// Resets the peak of a process's resident memory to the current value.
pub(crate) fn reset_peak(process: u32) -> Result<()> {
    Ok(fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_can_be_read() {
        let process = std::process::id();
        super::cpu(process).unwrap();
        let memory = super::memory(process).unwrap();
        assert!(memory.peak >= memory.anonymous && memory.anonymous > 0.1, "{memory:?}");
    }
}
