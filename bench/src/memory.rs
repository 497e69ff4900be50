//! `chat-bench memory`: what a server keeps in memory, and how soon it answers.

use crate::{
    fill::shape::token,
    load::{self, Asked},
    options::{self, Common},
    process::{self, Memory, Server},
    report,
    scenarios::Call,
    servers::Kind,
    workspace::Workspace,
};
use anyhow::{Result, bail};
use futures_util::future::try_join_all;
use http::Method;
use http_body_util::BodyExt as _;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use std::time::{Duration, Instant};

/// Readers of the long thread.
const READERS: usize = 10;
/// How long a slow reader waits after each piece.
const PAUSE: Duration = Duration::from_millis(20);
/// Connections opened side by side.
const AT_ONCE: usize = 256;

/// What is printed with `--json`.
#[derive(Debug, Serialize)]
struct Row {
    server: String,
    start_ms: f64,
    idle: Memory,
    connections: usize,
    idle_connections: Memory,
    slow_readers: Memory,
    read_mb: f64,
}

pub(crate) async fn run(common: &Common, args: options::Memory) -> Result<()> {
    allow_descriptors(args.idle as u64 + 1000)?;
    let mut rows = Vec::new();
    for &kind in common.server.iter().filter(|kind| matches!(kind, Kind::Sqlite | Kind::Postgres)) {
        let mut workspace = Workspace::new(common, &[kind])?;
        let url = workspace.copy(common, kind).await?;
        let first = Server::start(kind, &url).await?;
        first.stop().await?;
        rows.push(measure(&workspace, kind, &url, &args).await?);
        workspace.close().await?;
    }
    if common.json {
        return report::json(&rows);
    }
    for row in rows {
        report::line(&row.server);
        let memory = |memory: Memory| {
            format!("{:.1}, peak {:.1}, its own {:.1}", memory.resident, memory.peak, memory.own)
        };
        report::values(&[
            ("from start to first answer, ms", format!("{:.0}", row.start_ms)),
            ("idle, MB", memory(row.idle)),
            (&format!("{} idle connections, MB", row.connections), memory(row.idle_connections)),
            ("ten slow readers of the long thread, MB", memory(row.slow_readers)),
            ("… who read, MB", format!("{:.1}", row.read_mb)),
        ]);
    }
    Ok(())
}

async fn measure(workspace: &Workspace, kind: Kind, url: &str, args: &options::Memory) -> Result<Row> {
    let began = Instant::now();
    let server = Server::start(kind, url).await?;
    // The lightest request there is, so that the connections are what is measured.
    let ask = || async {
        let asked = get("/".to_owned(), String::new());
        let mut sender = load::open(server.address).await?;
        let (status, body) = load::exchange(&mut sender, load::request(&asked, None)?).await?;
        if !status.is_success() {
            bail!("{}: {status} {}", asked.path, String::from_utf8_lossy(&body));
        }
        Ok(sender)
    };
    drop(ask().await?);
    let start = began.elapsed();
    let idle = process::memory(server.process)?;

    let mut connections = Vec::with_capacity(args.idle);
    while connections.len() < args.idle {
        let some = AT_ONCE.min(args.idle - connections.len());
        connections.extend(try_join_all((0..some).map(|_| ask())).await?);
    }
    let idle_connections = process::memory(server.process)?;
    drop(connections);
    server.stop().await?;

    // Another, for what so many connections took is not given back at once.
    let server = Server::start(kind, url).await?;
    let end = Instant::now() + Duration::from_secs_f64(args.seconds);
    let readers = (0..READERS).map(|_| read_slowly(workspace, server.address, end));
    let read: u64 = try_join_all(readers).await?.iter().sum();
    let slow_readers = process::memory(server.process)?;
    server.stop().await?;
    Ok(Row {
        server: kind.to_string(),
        start_ms: start.as_secs_f64() * 1e3,
        idle,
        connections: args.idle,
        idle_connections,
        slow_readers,
        read_mb: read as f64 / 1e6,
    })
}

/// Reads the long thread piece by piece with a pause after each, and says how many bytes came.
async fn read_slowly(workspace: &Workspace, address: std::net::SocketAddr, end: Instant) -> Result<u64> {
    let thread = workspace.shape.long_thread();
    let asked = get(format!("/threads/{}/messages/", thread.id), token(thread.low));
    let mut sender = load::open(address).await?;
    let mut response = sender.send_request(load::request(&asked, None)?).await?;
    if !response.status().is_success() {
        bail!("{}: {}", asked.path, response.status());
    }
    let mut bytes = 0;
    while Instant::now() < end {
        let Some(frame) = response.body_mut().frame().await else { break };
        bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(bytes)
}

fn get(path: String, token: String) -> Asked {
    Asked { call: Call::Page, method: Method::GET, path, token, body: None }
}

/// Lets this process and its servers have so many files and connections.
fn allow_descriptors(number: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= number) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < number) {
        bail!("{number} open files are needed; raise the hard limit (ulimit -Hn), or give a lower --idle");
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(number), maximum: limit.maximum })?)
}
