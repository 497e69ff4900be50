//! Filling the databases. A database is filled once; runs work on copies.

mod postgres;
mod sqlite;
mod statements;

use crate::{dataset::Dataset, options::CommonOptions, report, server_kind::ServerKind};
use anyhow::{Context, Result};
pub(crate) use postgres::PostgresDatabases;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

/// Runs `chat-bench fill`.
pub(crate) async fn run(common: &CommonOptions) -> Result<()> {
    let dataset = Dataset::new(common.messages);
    for kind in &common.server {
        match kind {
            ServerKind::Ceiling => {}
            ServerKind::Sqlite => drop(sqlite_file(&common.data, &dataset).await?),
            ServerKind::Axum => drop(plain_file(&common.data, &dataset).await?),
            ServerKind::Postgres => {
                drop(postgres_database(&PostgresDatabases::start(&common.data)?, &dataset).await?);
            }
        }
    }
    Ok(())
}

/// Returns the filled SQLite file.
///
/// If the file does not exist, it is filled first.
pub(crate) async fn sqlite_file(data: &Path, dataset: &Dataset) -> Result<PathBuf> {
    let file = file(data, "chat", dataset)?;
    if !file.exists() {
        let began = begin(dataset, "SQLite");
        sqlite::fill(&file, dataset).await.context("cannot fill the SQLite file")?;
        end(began);
    }
    Ok(file)
}

/// Returns the filled SQLite file of the plain service.
///
/// If the file does not exist, it is filled with the same data first.
pub(crate) async fn plain_file(data: &Path, dataset: &Dataset) -> Result<PathBuf> {
    let file = file(data, "plain", dataset)?;
    if !file.exists() {
        let from = sqlite_file(data, dataset).await?;
        sqlite::fill_plain(&file, &from).await.context("cannot fill the SQLite file of the plain service")?;
    }
    Ok(file)
}

/// Returns the name of the filled Postgres database.
///
/// If the database does not exist, it is filled first.
pub(crate) async fn postgres_database(postgres: &PostgresDatabases, dataset: &Dataset) -> Result<String> {
    let name = format!("filled_{}", dataset.messages);
    if !postgres.has(&name).await? {
        let began = begin(dataset, "Postgres");
        postgres::fill(postgres, &name, dataset).await.context("cannot fill the Postgres database")?;
        end(began);
    }
    Ok(name)
}

fn file(data: &Path, name: &str, dataset: &Dataset) -> Result<PathBuf> {
    fs::create_dir_all(data).with_context(|| format!("cannot create {}", data.display()))?;
    Ok(data.join(format!("{name}-{}.db", dataset.messages)))
}

fn begin(dataset: &Dataset, database: &str) -> Instant {
    report::progress(&format!("filling {database} with {} messages", dataset.messages));
    Instant::now()
}

fn end(began: Instant) {
    report::progress(&format!("filled in {:.0} s", began.elapsed().as_secs_f64()));
}
