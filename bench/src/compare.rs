//! `chat-bench`: the servers driven in turn.

use crate::{
    fsync,
    load::{self, Seen, Target},
    options::{Common, Drive},
    process::{self, Server},
    report::{self, Row},
    scenarios::{Call, Plan, Scenario, Sizes},
    servers::Kind,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use clap::ValueEnum as _;
use serde::Serialize;
use std::{fs, path::Path, sync::Arc, time::Duration};

/// Part of a turn that is driven beforehand and not measured.
const WARM_UP: f64 = 0.15;

/// What is printed with `--json`.
#[derive(Debug, Serialize)]
struct Report {
    messages: u64,
    seconds: f64,
    rounds: u32,
    fsync_p50_us: f64,
    fsync_p99_us: f64,
    rows: Vec<Row>,
}

/// Starts the servers and drives them through all scenarios.
pub(crate) async fn run(common: &Common, drive: &Drive) -> Result<()> {
    let mut workspace = Workspace::new(common, &common.server)?;
    let mut servers = Vec::new();
    for &kind in &common.server {
        let url = workspace.copy(common, kind).await?;
        servers.push(Server::start(kind, &url).await?);
    }
    flush(&common.data)?;
    let fsync = fsync::measure(&common.data)?;
    let sizes = Arc::new(sizes(&servers, &workspace).await?);

    let mut rows = Vec::new();
    for &connections in &drive.connections {
        for &scenario in &drive.scenario {
            report::note(&format!("{scenario}, {connections} connections"));
            let mut totals: Vec<Total> = servers.iter().map(|_| Total::new()).collect::<Result<_>>()?;
            for round in 0..drive.rounds {
                for (server, total) in servers.iter().zip(&mut totals) {
                    let turn = Turn { server, workspace: &workspace, sizes: &sizes, scenario, connections };
                    turn.take(total, u64::from(round), drive.seconds).await.with_context(|| {
                        format!("{scenario} against {}, {connections} connections", server.kind)
                    })?;
                }
            }
            rows.extend(
                servers.iter().zip(totals).map(|(server, total)| total.row(server, scenario, connections)),
            );
        }
    }
    for server in servers {
        server.stop().await?;
    }
    workspace.close().await?;

    report::compare(&mut rows);
    let report = Report {
        messages: common.messages,
        seconds: drive.seconds,
        rounds: drive.rounds,
        fsync_p50_us: fsync.percentile(0.5),
        fsync_p99_us: fsync.percentile(0.99),
        rows,
    };
    if common.json {
        return report::json(&report);
    }
    report::rows(&report.rows);
    report::line(&format!(
        "\na bare fsync in {}: p50 {:.0} µs, p99 {:.0} µs; {} messages at the start",
        common.data.display(),
        report.fsync_p50_us,
        report.fsync_p99_us,
        report.messages
    ));
    Ok(())
}

/// Has what the copies left behind written out, so that it is not the first scenario's burden.
fn flush(folder: &Path) -> Result<()> {
    Ok(fs::File::open(folder).map(rustix::fs::syncfs)??)
}

/// How long ours answers each kind of request.
async fn sizes(servers: &[Server], workspace: &Workspace) -> Result<Sizes> {
    let mut sizes = Sizes::default();
    let ours = servers.iter().find(|server| matches!(server.kind, Kind::Sqlite | Kind::Postgres));
    if let Some(server) = ours {
        let mut plan = Plan::some(Scenario::Mix, workspace.shape, 1, 0);
        let mut sender = load::open(server.address).await?;
        for &call in Call::value_variants().iter().filter(|call| **call != Call::Login) {
            let Some(asked) = plan.first_mut().map(|plan| plan.ask(call)) else { continue };
            let (status, body) = load::exchange(&mut sender, load::request(&asked, None)?).await?;
            if !status.is_success() {
                bail!("{} {}: {status} {}", asked.method, asked.path, String::from_utf8_lossy(&body));
            }
            sizes.set(call, body.len());
        }
    }
    Ok(sizes)
}

/// A server's turn in a round of a scenario.
struct Turn<'a> {
    server: &'a Server,
    workspace: &'a Workspace,
    sizes: &'a Arc<Sizes>,
    scenario: Scenario,
    connections: usize,
}

impl Turn<'_> {
    async fn take(&self, total: &mut Total, round: u64, seconds: f64) -> Result<()> {
        let server = self.server;
        let shape = self.workspace.shape;
        let sizes = (server.kind == Kind::Ceiling).then(|| self.sizes.clone());
        let mut target = Target { address: server.address, sizes, keep: false };
        let plans = |scenario, part| Plan::some(scenario, shape, self.connections, 2 * round + part);

        let plans = if self.scenario == Scenario::Mark && server.kind != Kind::Ceiling {
            // A server marks as fast as it sends, or somewhat faster.
            target.keep = true;
            let sent = load::drive(&target, plans(Scenario::Send, 0), Duration::from_secs_f64(1.5 * seconds))
                .await?;
            target.keep = false;
            Plan::marking(shape, self.connections, &sent.sent)
        } else {
            load::drive(&target, plans(self.scenario, 0), Duration::from_secs_f64(WARM_UP * seconds)).await?;
            plans(self.scenario, 1)
        };

        let database = self.workspace.database_process(server.kind)?;
        let database_cpu = || database.map(process::cpu_of_children).transpose();
        process::reset_peak(server.process)?;
        let (cpu, db_cpu) = (process::cpu(server.process)?, database_cpu()?);
        let seen = load::drive(&target, plans, Duration::from_secs_f64(seconds)).await?;
        total.cpu += process::cpu(server.process)?.saturating_sub(cpu);
        if let (Some(before), Some(after)) = (db_cpu, database_cpu()?) {
            *total.database_cpu.get_or_insert_default() += after.saturating_sub(before);
        }
        let memory = process::memory(server.process)?;
        total.peak_mb = total.peak_mb.max(memory.peak);
        total.own_mb = total.own_mb.max(memory.own);
        total.elapsed += seen.elapsed;
        if let Some(refusal) = &seen.refusal {
            bail!("an answer was no success: {refusal}");
        }
        total.seen.add(seen)
    }
}

/// What a server did in all rounds of a scenario.
struct Total {
    seen: Seen,
    elapsed: Duration,
    cpu: Duration,
    database_cpu: Option<Duration>,
    peak_mb: f64,
    own_mb: f64,
}

impl Total {
    fn new() -> Result<Self> {
        Ok(Self {
            seen: Seen::new()?,
            elapsed: Duration::ZERO,
            cpu: Duration::ZERO,
            database_cpu: None,
            peak_mb: 0.0,
            own_mb: 0.0,
        })
    }

    fn row(self, server: &Server, scenario: Scenario, connections: usize) -> Row {
        let requests = self.seen.requests as f64;
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / requests;
        Row {
            scenario: scenario.to_string(),
            connections,
            server: server.kind.to_string(),
            requests: self.seen.requests,
            requests_per_second: requests / self.elapsed.as_secs_f64(),
            p50_us: self.seen.percentile(0.5),
            p99_us: self.seen.percentile(0.99),
            cpu_us: each(self.cpu),
            database_cpu_us: self.database_cpu.map(each),
            peak_mb: self.peak_mb,
            own_mb: self.own_mb,
            of_ceiling: None,
            of_echo: None,
        }
    }
}
