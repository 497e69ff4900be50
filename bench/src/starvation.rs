//! `chat-bench starvation`: whether many clients that log in starve a reader.
//!
//! A log-in costs tens of milliseconds of CPU by design.

use crate::{
    load::{self, Target},
    options::{CommonOptions, StarvationOptions},
    process::Server,
    report,
    scenarios::{LOGIN_NAME, LOGIN_PASSWORD, Plan, Scenario},
    workspace::Workspace,
};
use anyhow::Result;
use chat_core::{
    Chat,
    store::sql::{self, Options},
};
use serde::Serialize;
use std::time::Duration;

/// The figures of a server, as `--json` prints them.
#[derive(Debug, Serialize)]
struct Row {
    server: String,
    without_logins_p50_us: f64,
    without_logins_p99_us: f64,
    with_logins_p50_us: f64,
    with_logins_p99_us: f64,
    ratio_p99: f64,
    logins_per_second: f64,
}

pub(crate) async fn run(common: &CommonOptions, options: StarvationOptions) -> Result<()> {
    let mut rows = Vec::new();
    for kind in common.chat_servers() {
        let mut workspace = Workspace::new(common, &[kind])?;
        let url = workspace.copy(common, kind).await?;
        let chat = Chat::new(sql::open(&url, &Options::default()).await?);
        chat.add_user(LOGIN_NAME, LOGIN_PASSWORD).await?;
        chat.close().await;
        let server = Server::start(kind, &url).await?;
        rows.push(measure(&workspace, &server, &options).await?);
        server.stop().await?;
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
    report::line(&row.server);
    report::values(&[
        ("without log-ins: p50 µs", format!("{:.0}", row.without_logins_p50_us)),
        ("without log-ins: p99 µs", format!("{:.0}", row.without_logins_p99_us)),
        ("with log-ins: p50 µs", format!("{:.0}", row.with_logins_p50_us)),
        ("with log-ins: p99 µs", format!("{:.0}", row.with_logins_p99_us)),
        ("p99 with log-ins, divided by p99 without", format!("{:.2}", row.ratio_p99)),
        ("log-ins per second", format!("{:.1}", row.logins_per_second)),
    ]);
}

async fn measure(workspace: &Workspace, server: &Server, options: &StarvationOptions) -> Result<Row> {
    let time = Duration::from_secs_f64(options.seconds);
    let target = Target::new(server.address);
    let plans = |seed| Plan::for_connections(Scenario::Page, workspace.dataset, options.readers, seed);
    // A warm-up, which is not measured.
    load::run(&target, plans(0), time / 5).await?;
    let without_logins = load::run(&target, plans(1), time).await?;

    let logins = Plan::for_connections(Scenario::Login, workspace.dataset, options.clients, 3);
    let (with_logins, logins) =
        tokio::try_join!(load::run(&target, plans(2), time), load::run(&target, logins, time))?;
    for result in [&without_logins, &with_logins, &logins] {
        result.require_success()?;
    }
    let (without_logins, with_logins) = (without_logins.measurement, with_logins.measurement);
    Ok(Row {
        server: server.kind.to_string(),
        without_logins_p50_us: without_logins.percentile(0.5),
        without_logins_p99_us: without_logins.percentile(0.99),
        with_logins_p50_us: with_logins.percentile(0.5),
        with_logins_p99_us: with_logins.percentile(0.99),
        ratio_p99: with_logins.percentile(0.99) / without_logins.percentile(0.99),
        logins_per_second: logins.measurement.requests as f64 / logins.elapsed.as_secs_f64(),
    })
}
