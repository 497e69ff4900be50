//! `chat-bench` without a command: the same load on each server in turn.

use crate::{
    fsync,
    load::{self, LoadResult, Target},
    measurement::Measurement,
    options::{CommonOptions, CompareOptions},
    process::{self, Server},
    report::{self, Row},
    request::{RequestKind, ResponseSizes},
    scenarios::{Plan, Scenario},
    server_kind::ServerKind,
    workspace::Workspace,
};
use anyhow::{Context, Result, bail};
use clap::ValueEnum as _;
use serde::Serialize;
use std::{fs, path::Path, sync::Arc, time::Duration};

/// The length of the warm-up before a measured turn, as a fraction of that turn.
const WARM_UP: f64 = 0.15;

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Report {
    messages: u64,
    seconds: f64,
    rounds: u32,
    fsync_p50_us: f64,
    fsync_p99_us: f64,
    rows: Vec<Row>,
}

/// Starts the servers, measures all scenarios and prints the result.
pub(crate) async fn run(common: &CommonOptions, options: &CompareOptions) -> Result<()> {
    let mut workspace = Workspace::new(common, &common.server)?;
    let mut servers = Vec::new();
    for &kind in &common.server {
        let url = workspace.copy(common, kind).await?;
        servers.push(Server::start(kind, &url).await?);
    }
    sync_file_system(&common.data)?;
    let fsync = fsync::measure(&common.data)?;
    let sizes = Arc::new(response_sizes(&servers, &workspace).await?);

    let mut rows = Vec::new();
    for &connections in &options.connections {
        for &scenario in &options.scenario {
            report::progress(&format!("{scenario}, {connections} connections"));
            let mut totals: Vec<Total> = servers.iter().map(|_| Total::new()).collect::<Result<_>>()?;
            for round in 0..options.rounds {
                for (server, total) in servers.iter().zip(&mut totals) {
                    let turn = Turn { server, workspace: &workspace, sizes: &sizes, scenario, connections };
                    turn.measure(total, u64::from(round), options.seconds).await.with_context(|| {
                        format!("{scenario} on {} with {connections} connections failed", server.kind)
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

    report::add_ratios(&mut rows);
    let report = Report {
        messages: common.messages,
        seconds: options.seconds,
        rounds: options.rounds,
        fsync_p50_us: fsync.percentile(0.5),
        fsync_p99_us: fsync.percentile(0.99),
        rows,
    };
    print(common, &report)
}

fn print(common: &CommonOptions, report: &Report) -> Result<()> {
    if common.json {
        return report::json(report);
    }
    report::rows(&report.rows);
    report::line(&format!(
        "\na bare fdatasync in {}: p50 {:.0} µs, p99 {:.0} µs; {} messages at the start",
        common.data.display(),
        report.fsync_p50_us,
        report.fsync_p99_us,
        report.messages
    ));
    Ok(())
}

/// Writes the dirty pages of the copies to disk.
///
/// Otherwise the first scenario would be measured while they are written.
fn sync_file_system(folder: &Path) -> Result<()> {
    Ok(fs::File::open(folder).map(rustix::fs::syncfs)??)
}

/// Returns the size of the chat server's response to each kind of request.
///
/// Log-ins have no size, because the ceiling gets none. There are no sizes if the chat server is not measured.
async fn response_sizes(servers: &[Server], workspace: &Workspace) -> Result<ResponseSizes> {
    let mut sizes = ResponseSizes::default();
    let Some(server) = servers.iter().find(|server| server.kind.is_chat()) else { return Ok(sizes) };
    let mut plans = Plan::for_connections(Scenario::Mix, workspace.dataset, 1, 0);
    let mut sender = load::connect(server.address).await?;
    for &request_kind in
        RequestKind::value_variants().iter().filter(|request_kind| **request_kind != RequestKind::Login)
    {
        let Some(planned) = plans.first_mut().map(|plan| plan.request(request_kind)) else { continue };
        let (status, body) = load::exchange(&mut sender, load::build(&planned, None)?).await?;
        if !status.is_success() {
            bail!("{} {}: {status} {}", planned.method, planned.path, String::from_utf8_lossy(&body));
        }
        sizes.set(request_kind, body.len());
    }
    Ok(sizes)
}

/// A server's turn in a round of a scenario.
struct Turn<'a> {
    server: &'a Server,
    workspace: &'a Workspace,
    sizes: &'a Arc<ResponseSizes>,
    scenario: Scenario,
    connections: usize,
}

impl Turn<'_> {
    /// Runs the warm-up and the measured turn, and adds the figures to `total`.
    async fn measure(&self, total: &mut Total, round: u64, seconds: f64) -> Result<()> {
        let server = self.server;
        let mut target = Target::new(server.address);
        target.sizes = (server.kind == ServerKind::Ceiling).then(|| self.sizes.clone());
        let plans = self.prepare(&target, round, seconds).await?;

        let database = self.workspace.database_process(server.kind)?;
        let database_cpu = || database.map(process::cpu_of_children).transpose();
        process::reset_peak(server.process)?;
        let (cpu, db_cpu) = (process::cpu(server.process)?, database_cpu()?);
        let result = load::run(&target, plans, Duration::from_secs_f64(seconds)).await?;
        total.cpu += process::cpu(server.process)?.saturating_sub(cpu);
        if let (Some(before), Some(after)) = (db_cpu, database_cpu()?) {
            *total.database_cpu.get_or_insert_default() += after.saturating_sub(before);
        }
        let memory = process::memory(server.process)?;
        total.peak_mb = total.peak_mb.max(memory.peak);
        total.anonymous_mb = total.anonymous_mb.max(memory.anonymous);
        result.require_success()?;
        total.add(result)
    }

    /// Prepares a measured turn and returns its plans.
    ///
    /// It runs the warm-up. For the scenario `mark` it sends the messages to mark instead, except to the ceiling.
    async fn prepare(&self, target: &Target, round: u64, seconds: f64) -> Result<Vec<Plan>> {
        let (dataset, connections) = (self.workspace.dataset, self.connections);
        let plans = |scenario, part| Plan::for_connections(scenario, dataset, connections, 2 * round + part);
        if self.scenario == Scenario::Mark && self.server.kind != ServerKind::Ceiling {
            // Messages are sent for 1.5 times the length of the turn. So there are more messages than can be marked in
            // the turn, even if marking is somewhat faster than sending.
            let target = Target { collect_messages: true, ..target.clone() };
            let time = Duration::from_secs_f64(1.5 * seconds);
            let result = load::run(&target, plans(Scenario::Send, 0), time).await?;
            return Ok(Plan::marking(dataset, connections, &result.sent));
        }
        load::run(target, plans(self.scenario, 0), Duration::from_secs_f64(WARM_UP * seconds)).await?;
        Ok(plans(self.scenario, 1))
    }
}

/// The figures of a server over all rounds of a scenario.
struct Total {
    measurement: Measurement,
    elapsed: Duration,
    cpu: Duration,
    database_cpu: Option<Duration>,
    peak_mb: f64,
    anonymous_mb: f64,
}

impl Total {
    fn new() -> Result<Self> {
        Ok(Self {
            measurement: Measurement::new()?,
            elapsed: Duration::ZERO,
            cpu: Duration::ZERO,
            database_cpu: None,
            peak_mb: 0.0,
            anonymous_mb: 0.0,
        })
    }

    fn add(&mut self, result: LoadResult) -> Result<()> {
        self.elapsed += result.elapsed;
        self.measurement.add(result.measurement)
    }

    fn row(self, server: &Server, scenario: Scenario, connections: usize) -> Row {
        let requests = self.measurement.requests as f64;
        let per_request = |cpu: Duration| cpu.as_secs_f64() * 1e6 / requests;
        Row {
            scenario: scenario.to_string(),
            connections,
            server: server.kind.to_string(),
            requests: self.measurement.requests,
            requests_per_second: requests / self.elapsed.as_secs_f64(),
            p50_us: self.measurement.percentile(0.5),
            p99_us: self.measurement.percentile(0.99),
            cpu_us: per_request(self.cpu),
            database_cpu_us: self.database_cpu.map(per_request),
            peak_mb: self.peak_mb,
            anonymous_mb: self.anonymous_mb,
            ratio_to_ceiling: None,
            ratio_to_echo: None,
        }
    }
}
