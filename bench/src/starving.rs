//! `chat-bench starving`: whether many clients that log in leave a reader alone. A log-in costs tens of milliseconds of
//! CPU, by intention.

use crate::{
    load::{self, Seen, Target},
    options::{self, Common},
    process::Server,
    report,
    scenarios::{LOGIN_NAME, LOGIN_PASSWORD, Plan, Scenario},
    servers::Kind,
    workspace::Workspace,
};
use anyhow::Result;
use chat_core::{
    Chat,
    store::sql::{self, Options},
};
use serde::Serialize;
use std::time::Duration;

/// What is printed with `--json`.
#[derive(Debug, Serialize)]
struct Row {
    server: String,
    undisturbed_p50_us: f64,
    undisturbed_p99_us: f64,
    disturbed_p50_us: f64,
    disturbed_p99_us: f64,
    ratio_p99: f64,
    logins_per_second: f64,
}

pub(crate) async fn run(common: &Common, args: options::Starving) -> Result<()> {
    let mut rows = Vec::new();
    for &kind in common.server.iter().filter(|kind| matches!(kind, Kind::Sqlite | Kind::Postgres)) {
        let mut workspace = Workspace::new(common, &[kind])?;
        let url = workspace.copy(common, kind).await?;
        let chat = Chat::new(sql::open(&url, &Options::default()).await?);
        chat.add_user(LOGIN_NAME, LOGIN_PASSWORD).await?;
        chat.close().await;
        let server = Server::start(kind, &url).await?;
        rows.push(measure(&workspace, &server, &args).await?);
        server.stop().await?;
        workspace.close().await?;
    }
    if common.json {
        return report::json(&rows);
    }
    for row in rows {
        report::line(&row.server);
        report::values(&[
            ("undisturbed: p50 µs", format!("{:.0}", row.undisturbed_p50_us)),
            ("undisturbed: p99 µs", format!("{:.0}", row.undisturbed_p99_us)),
            ("with log-ins: p50 µs", format!("{:.0}", row.disturbed_p50_us)),
            ("with log-ins: p99 µs", format!("{:.0}", row.disturbed_p99_us)),
            ("p99, with to without", format!("{:.2}", row.ratio_p99)),
            ("log-ins a second", format!("{:.1}", row.logins_per_second)),
        ]);
    }
    Ok(())
}

async fn measure(workspace: &Workspace, server: &Server, args: &options::Starving) -> Result<Row> {
    let time = Duration::from_secs_f64(args.seconds);
    let target = Target { address: server.address, sizes: None, keep: false };
    let plans = |seed| Plan::some(Scenario::Page, workspace.shape, args.readers, seed);
    load::drive(&target, plans(0), time / 5).await?;
    let alone = load::drive(&target, plans(1), time).await?;

    let logins = Plan::some(Scenario::Login, workspace.shape, args.clients, 3);
    let (beside, logins) =
        tokio::try_join!(load::drive(&target, plans(2), time), load::drive(&target, logins, time))?;
    let seen: [&Seen; 3] = [&alone, &beside, &logins];
    if let Some(refusal) = seen.iter().find_map(|seen| seen.refusal.as_ref()) {
        anyhow::bail!("an answer was no success: {refusal}");
    }
    Ok(Row {
        server: server.kind.to_string(),
        undisturbed_p50_us: alone.percentile(0.5),
        undisturbed_p99_us: alone.percentile(0.99),
        disturbed_p50_us: beside.percentile(0.5),
        disturbed_p99_us: beside.percentile(0.99),
        ratio_p99: beside.percentile(0.99) / alone.percentile(0.99),
        logins_per_second: logins.requests as f64 / logins.elapsed.as_secs_f64(),
    })
}
