//! `chat-bench memory`: what a server keeps in memory, and how soon it answers.

use crate::{
    load::{self, Asked},
    options::{self, Common},
    process::{self, Server},
    report,
    scenarios::{Call, Plan, Scenario},
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

/// What is printed with `--json`; memory in MB of a million bytes.
#[derive(Debug, Serialize)]
struct Row {
    server: String,
    start_ms: f64,
    idle_mb: f64,
    idle_connections: usize,
    idle_connections_mb: f64,
    slow_readers_peak_mb: f64,
    slow_readers_own_mb: f64,
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
        report::values(&[
            ("from start to first answer, ms", format!("{:.0}", row.start_ms)),
            ("idle, MB", format!("{:.1}", row.idle_mb)),
            (
                &format!("{} idle connections, MB", row.idle_connections),
                format!("{:.1}", row.idle_connections_mb),
            ),
            ("ten slow readers of the long thread, peak MB", format!("{:.1}", row.slow_readers_peak_mb)),
            ("… of it the process's own", format!("{:.1}", row.slow_readers_own_mb)),
            ("… who read, MB", format!("{:.1}", row.read_mb)),
        ]);
    }
    Ok(())
}

async fn measure(workspace: &Workspace, kind: Kind, url: &str, args: &options::Memory) -> Result<Row> {
    let began = Instant::now();
    let server = Server::start(kind, url).await?;
    let mut plans = Plan::some(Scenario::Newest, workspace.shape, 1, 0);
    let Some(plan) = plans.first_mut() else { bail!("no plan") };
    let ask = |asked: Asked| async move {
        let mut sender = load::open(server.address).await?;
        let (status, body) = load::exchange(&mut sender, load::request(&asked, None)?).await?;
        if !status.is_success() {
            bail!("{}: {status} {}", asked.path, String::from_utf8_lossy(&body));
        }
        Ok(sender)
    };
    drop(ask(plan.ask(Call::Newest)).await?);
    let start = began.elapsed();
    let idle = process::memory(server.process)?.resident;

    let mut connections = Vec::with_capacity(args.idle);
    while connections.len() < args.idle {
        let some = AT_ONCE.min(args.idle - connections.len());
        connections.extend(try_join_all((0..some).map(|_| ask(plan.ask(Call::Newest)))).await?);
    }
    let idle_connections = process::memory(server.process)?.resident;
    drop(connections);

    process::reset_peak(server.process)?;
    let end = Instant::now() + Duration::from_secs_f64(args.seconds);
    let readers = (0..READERS).map(|_| read_slowly(workspace, server.address, end));
    let read: u64 = try_join_all(readers).await?.iter().sum();
    let memory = process::memory(server.process)?;
    server.stop().await?;
    Ok(Row {
        server: kind.to_string(),
        start_ms: start.as_secs_f64() * 1e3,
        idle_mb: idle,
        idle_connections: args.idle,
        idle_connections_mb: idle_connections,
        slow_readers_peak_mb: memory.peak,
        slow_readers_own_mb: memory.own,
        read_mb: read as f64 / 1e6,
    })
}

/// Reads the long thread piece by piece with a pause after each, and says how many bytes came.
async fn read_slowly(workspace: &Workspace, address: std::net::SocketAddr, end: Instant) -> Result<u64> {
    let thread = workspace.shape.long_thread();
    let asked = Asked {
        call: Call::Page,
        method: Method::GET,
        path: format!("/threads/{}/messages/", thread.id),
        token: crate::fill::shape::token(thread.low),
        body: None,
    };
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
