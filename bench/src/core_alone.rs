//! `chat-bench core`: chat-core called directly, without HTTP, in this process.

use crate::{
    fill::shape::{BUSY, Shape},
    load::Seen,
    options::{Common, Core},
    process,
    random::Random,
    report::{self, Row},
    servers::Kind,
    workspace::Workspace,
};
use anyhow::Result;
use chat_core::{
    Chat,
    api::{ThreadId, UserId},
    store::{
        MessageRange, Slice,
        sql::{self, Options},
    },
};
use clap::ValueEnum as _;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Threads that are written and read again and again.
const THREADS: u64 = 512;

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Work {
    Page,
    Unread,
    Threads,
    Send,
}

/// Measures every kind of call on both databases.
pub(crate) async fn run(common: &Common, args: Core) -> Result<()> {
    let mut rows = Vec::new();
    for &kind in common.server.iter().filter(|kind| matches!(kind, Kind::Sqlite | Kind::Postgres)) {
        let mut workspace = Workspace::new(common, &[kind])?;
        let chat = Chat::new(sql::connect(&workspace.copy(common, kind).await?, &Options::default()).await?);
        let own = std::process::id();
        for work in Work::value_variants() {
            process::reset_peak(own)?;
            let before = process::cpu(own)?;
            let (seen, elapsed) = many(&chat, workspace.shape, *work, &args).await?;
            let cpu = process::cpu(own)?.saturating_sub(before);
            let memory = process::memory(own)?;
            rows.push(Row {
                scenario: format!("{work:?}").to_lowercase(),
                connections: args.callers,
                server: format!("core, {kind}"),
                requests: seen.requests,
                requests_per_second: seen.requests as f64 / elapsed.as_secs_f64(),
                p50_us: seen.percentile(0.5),
                p99_us: seen.percentile(0.99),
                cpu_us: cpu.as_secs_f64() * 1e6 / seen.requests as f64,
                database_cpu_us: None,
                peak_mb: memory.peak,
                own_mb: memory.own,
                of_ceiling: None,
                of_echo: None,
            });
        }
        chat.close().await;
        workspace.close().await?;
    }
    if common.json {
        return report::json(&rows);
    }
    report::rows(&rows);
    Ok(())
}

async fn many(chat: &Chat, shape: Shape, work: Work, args: &Core) -> Result<(Seen, Duration)> {
    let (began, time) = (Instant::now(), Duration::from_secs_f64(args.seconds));
    let mut callers = JoinSet::new();
    for seed in 0..args.callers {
        callers.spawn(caller(chat.clone(), shape, work, seed as u64, began + time));
    }
    let mut seen = Seen::new()?;
    while let Some(caller) = callers.join_next().await {
        seen.add(caller??)?;
    }
    Ok((seen, began.elapsed()))
}

async fn caller(chat: Chat, shape: Shape, work: Work, seed: u64, end: Instant) -> Result<Seen> {
    let mut random = Random::new(seed);
    let mut seen = Seen::new()?;
    let user = |id: u64| Ok::<_, anyhow::Error>(UserId::new(i64::try_from(id)?));
    while Instant::now() < end {
        let thread = shape.ordinary_thread(random.below(THREADS));
        let (id, caller) = (ThreadId::new(thread.id), user(thread.low)?);
        let began = Instant::now();
        match work {
            Work::Page => drop(chat.thread_messages(caller, id, MessageRange::Oldest, 50).await?),
            Work::Unread => drop(chat.unread(user(BUSY)?, false, Slice { limit: 100, offset: 0 }).await?),
            Work::Threads => drop(chat.threads(user(BUSY)?, None, 100).await?),
            Work::Send => drop(chat.send(caller, id, "See you at eight, by the lake, as always").await?),
        }
        seen.latencies.saturating_record(u64::try_from(began.elapsed().as_nanos())?);
        seen.requests += 1;
    }
    Ok(seen)
}
