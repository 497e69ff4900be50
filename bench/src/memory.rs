//! `chat-bench memory`: the memory of a server, and its start-up time.

use crate::{
    dataset::token,
    load,
    options::{CommonOptions, MemoryOptions},
    process::{self, Memory, Server},
    report,
    request::{PlannedRequest, RequestKind},
    server_kind::ServerKind,
    workspace::Workspace,
};
use anyhow::{Result, bail};
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::Method;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// The number of slow readers of the long thread.
const READERS: usize = 10;
/// The pause of a slow reader after each frame.
const PAUSE: Duration = Duration::from_millis(20);
/// The number of connections that are opened concurrently.
const CONCURRENT: usize = 256;
/// Open files that this process needs apart from the idle connections.
const OTHER_FILES: u64 = 1000;

/// The figures of a server, as `--json` prints them.
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

pub(crate) async fn run(common: &CommonOptions, options: MemoryOptions) -> Result<()> {
    raise_file_limit(options.idle as u64 + OTHER_FILES)?;
    let mut rows = Vec::new();
    for kind in common.chat_servers() {
        let mut workspace = Workspace::new(common, &[kind])?;
        let url = workspace.copy(common, kind).await?;
        // The first start on a new copy is not measured.
        Server::start(kind, &url).await?.stop().await?;
        rows.push(measure(&workspace, kind, &url, &options).await?);
        workspace.close().await?;
    }
    if common.json {
        return report::json(&rows);
    }
    for row in rows {
        print(&row);
    }
    Ok(())
}

fn print(row: &Row) {
    let memory = |memory: Memory| {
        format!("{:.1}, peak {:.1}, anonymous {:.1}", memory.resident, memory.peak, memory.anonymous)
    };
    report::line(&row.server);
    report::values(&[
        ("start to first response, ms", format!("{:.0}", row.start_ms)),
        ("idle, MB", memory(row.idle)),
        (&format!("{} idle connections, MB", row.connections), memory(row.idle_connections)),
        ("ten slow readers of the long thread, MB", memory(row.slow_readers)),
        ("read by them, MB", format!("{:.1}", row.read_mb)),
    ]);
}

async fn measure(workspace: &Workspace, kind: ServerKind, url: &str, options: &MemoryOptions) -> Result<Row> {
    let began = Instant::now();
    let server = Server::start(kind, url).await?;
    drop(connect_and_ask(server.address).await?);
    let start = began.elapsed();
    let idle = process::memory(server.process)?;

    let mut connections = Vec::with_capacity(options.idle);
    while connections.len() < options.idle {
        let more = CONCURRENT.min(options.idle - connections.len());
        connections.extend(try_join_all((0..more).map(|_| connect_and_ask(server.address))).await?);
    }
    let idle_connections = process::memory(server.process)?;
    drop(connections);
    server.stop().await?;

    // A new process, since the allocator returns the memory of so many connections to the system only later.
    let server = Server::start(kind, url).await?;
    let end = Instant::now() + Duration::from_secs_f64(options.seconds);
    let readers = (0..READERS).map(|_| read_slowly(workspace, server.address, end));
    let read: u64 = try_join_all(readers).await?.iter().sum();
    let slow_readers = process::memory(server.process)?;
    server.stop().await?;
    Ok(Row {
        server: kind.to_string(),
        start_ms: start.as_secs_f64() * 1e3,
        idle,
        connections: options.idle,
        idle_connections,
        slow_readers,
        read_mb: read as f64 / 1e6,
    })
}

/// Opens a connection and sends the cheapest request.
///
/// The memory is then mostly that of the connection, and not of the request.
async fn connect_and_ask(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let planned = get("/".to_owned(), String::new());
    let mut sender = load::connect(address).await?;
    let (status, body) = load::exchange(&mut sender, load::build(&planned, None)?).await?;
    if !status.is_success() {
        bail!("{}: {status} {}", planned.path, String::from_utf8_lossy(&body));
    }
    Ok(sender)
}

/// Reads the long thread with a pause after each frame.
///
/// Returns the number of bytes received.
async fn read_slowly(workspace: &Workspace, address: SocketAddr, end: Instant) -> Result<u64> {
    let thread = workspace.dataset.long_thread();
    let planned = get(format!("/threads/{}/messages/", thread.id), token(thread.low));
    let mut sender = load::connect(address).await?;
    let mut response = sender.send_request(load::build(&planned, None)?).await?;
    if !response.status().is_success() {
        bail!("{}: {}", planned.path, response.status());
    }
    let mut bytes = 0;
    while Instant::now() < end {
        let Some(frame) = response.body_mut().frame().await else { break };
        bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(bytes)
}

fn get(path: String, token: String) -> PlannedRequest {
    PlannedRequest {
        request_kind: RequestKind::Page,
        method: Method::GET,
        path,
        token,
        idempotency_key: None,
        body: None,
    }
}

/// Raises the limit of open files of this process, if it is lower.
///
/// The servers that this process starts inherit the limit.
fn raise_file_limit(files: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= files) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < files) {
        bail!("{files} open files are needed; raise the hard limit (ulimit -Hn) or give a lower --idle");
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum: limit.maximum })?)
}
