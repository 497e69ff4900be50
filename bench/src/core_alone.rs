//! `chat-bench core`: calls of chat-core in this process, without HTTP.

use crate::{
    dataset::{BUSY_USER, Dataset},
    measurement::Measurement,
    options::{CommonOptions, CoreOptions},
    process,
    random::Random,
    report::{self, Row},
    scenarios::HOT_THREADS,
    server_kind::ServerKind,
    workspace::Workspace,
};
use anyhow::Result;
use chat_core::{
    Chat,
    api::{ThreadId, UserId},
    store::{
        MessageRange, Slice, UnreadFilter,
        sql::{self, Options},
    },
};
use clap::ValueEnum as _;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// A kind of operation.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CoreOperation {
    Page,
    Unread,
    Threads,
    Send,
}

/// Measures every kind of operation on each chosen database.
pub(crate) async fn run(common: &CommonOptions, options: CoreOptions) -> Result<()> {
    let mut rows = Vec::new();
    for kind in common.chat_servers() {
        let mut workspace = Workspace::new(common, &[kind])?;
        let chat = Chat::new(sql::connect(&workspace.copy(common, kind).await?, &Options::default()).await?);
        for &operation in CoreOperation::value_variants() {
            rows.push(measure(&chat, kind, workspace.dataset, operation, &options).await?);
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

async fn measure(
    chat: &Chat,
    kind: ServerKind,
    dataset: Dataset,
    operation: CoreOperation,
    options: &CoreOptions,
) -> Result<Row> {
    let process = std::process::id();
    process::reset_peak(process)?;
    let before = process::cpu(process)?;
    let (measurement, elapsed) = call_concurrently(chat, dataset, operation, options).await?;
    let cpu = process::cpu(process)?.saturating_sub(before);
    let memory = process::memory(process)?;
    Ok(Row {
        scenario: format!("{operation:?}").to_lowercase(),
        connections: options.callers,
        server: format!("core, {kind}"),
        requests: measurement.requests,
        requests_per_second: measurement.requests as f64 / elapsed.as_secs_f64(),
        p50_us: measurement.percentile(0.5),
        p99_us: measurement.percentile(0.99),
        cpu_us: cpu.as_secs_f64() * 1e6 / measurement.requests as f64,
        database_cpu_us: None,
        peak_mb: memory.peak,
        anonymous_mb: memory.anonymous,
        ratio_to_ceiling: None,
        ratio_to_echo: None,
    })
}

async fn call_concurrently(
    chat: &Chat,
    dataset: Dataset,
    operation: CoreOperation,
    options: &CoreOptions,
) -> Result<(Measurement, Duration)> {
    let (began, time) = (Instant::now(), Duration::from_secs_f64(options.seconds));
    let mut callers = JoinSet::new();
    for seed in 0..options.callers {
        callers.spawn(call_until(began + time, chat.clone(), dataset, operation, seed as u64));
    }
    let mut measurement = Measurement::new()?;
    while let Some(caller) = callers.join_next().await {
        measurement.add(caller??)?;
    }
    Ok((measurement, began.elapsed()))
}

async fn call_until(
    end: Instant,
    chat: Chat,
    dataset: Dataset,
    operation: CoreOperation,
    seed: u64,
) -> Result<Measurement> {
    let mut random = Random::new(seed);
    let mut measurement = Measurement::new()?;
    let user = |id: u64| i64::try_from(id).map(UserId::new);
    while Instant::now() < end {
        let thread = dataset.ordinary_thread(random.below(HOT_THREADS));
        let (id, caller) = (ThreadId::new(thread.id), user(thread.low)?);
        let began = Instant::now();
        match operation {
            CoreOperation::Page => drop(chat.thread_messages(caller, id, MessageRange::Oldest, 50).await?),
            CoreOperation::Unread => {
                drop(
                    chat.unread(user(BUSY_USER)?, UnreadFilter::All, Slice { limit: 100, offset: 0 }).await?,
                );
            }
            CoreOperation::Threads => drop(chat.threads(user(BUSY_USER)?, None, 100).await?),
            CoreOperation::Send => {
                drop(chat.send(caller, id, "See you at eight, by the lake, as always").await?)
            }
        }
        measurement.record(began.elapsed());
    }
    Ok(measurement)
}
