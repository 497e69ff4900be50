//! Servers as processes of their own, and what /proc says of them.

use crate::servers::Kind;
use anyhow::{Context, Result, bail};
use std::{env, fs, net::SocketAddr, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// The kernel's unit of CPU time as programs see it, on every architecture: a hundredth of a second.
const TICK: Duration = Duration::from_millis(10);

/// A running server: this program again, with another command. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    pub(crate) process: u32,
    child: Child,
}

impl Server {
    /// Starts one and waits until it listens.
    pub(crate) async fn start(kind: Kind, url: &str) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["serve", &kind.to_string(), "--url", url]);
        // The log is written, as in production, but nobody keeps it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if env::var_os("CHAT_LOG").is_none() {
            command.stderr(Stdio::null());
        }
        let mut child = command.kill_on_drop(true).spawn()?;
        let process = child.id().context("the server ended at once")?;
        let output = child.stdout.take().context("no output of the server")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let Some(address) = line else { bail!("{kind} did not start; CHAT_LOG=info shows what it says") };
        Ok(Self { kind, address: address.parse()?, process, child })
    }

    /// Stops it in the orderly way.
    pub(crate) async fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }
}

/// The CPU time a process has used, in its own code and in the kernel for it.
pub(crate) fn cpu(process: u32) -> Result<Duration> {
    let fields = stat(process)?;
    let number = |n: usize| fields.get(n).and_then(|field| field.parse::<u32>().ok());
    // Fields 14 and 15, counted from the third.
    match (number(11), number(12)) {
        (Some(user), Some(system)) => Ok(TICK * (user + system)),
        _ => bail!("/proc/{process}/stat has another form than expected"),
    }
}

/// The CPU time of all children of a process that live.
pub(crate) fn cpu_of_children(process: u32) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that ends meanwhile does not count.
        let Ok(fields) = stat(child) else { continue };
        if fields.get(1).is_some_and(|parent| *parent == process.to_string()) {
            total += cpu(child).unwrap_or_default();
        }
    }
    Ok(total)
}

/// What /proc/PID/stat says after the name, which may contain anything.
fn stat(process: u32) -> Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, rest) = text.rsplit_once(") ").context("no name in /proc/PID/stat")?;
    Ok(rest.split(' ').map(str::to_owned).collect())
}

/// The memory of a process, in MB of a million bytes.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub(crate) struct Memory {
    /// The most that was resident since [`reset_peak`].
    pub(crate) peak: f64,
    /// What is resident now.
    pub(crate) resident: f64,
    /// The part of it that is the process's own: without program, libraries and mapped files.
    pub(crate) own: f64,
}

pub(crate) fn memory(process: u32) -> Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let megabytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes =
            line.and_then(|line| line.trim_matches([':', '\t', ' ', 'k', 'B']).parse::<f64>().ok());
        kibibytes.map(|n| n * 1024.0 / 1e6).with_context(|| format!("no {name} in /proc/{process}/status"))
    };
    Ok(Memory { peak: megabytes("VmHWM")?, resident: megabytes("VmRSS")?, own: megabytes("RssAnon")? })
}

/// Forgets the peak so far.
pub(crate) fn reset_peak(process: u32) -> Result<()> {
    Ok(fs::write(format!("/proc/{process}/clear_refs"), "5")?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_can_be_read() {
        let own = std::process::id();
        super::cpu(own).unwrap();
        let memory = super::memory(own).unwrap();
        assert!(memory.peak >= memory.own && memory.own > 0.1, "{memory:?}");
    }
}
