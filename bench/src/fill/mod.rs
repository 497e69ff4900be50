//! Filling the databases, once; runs work on copies.

mod postgres;
pub(crate) mod shape;
mod sqlite;
mod statements;

use crate::{cluster::Cluster, options::Common, report, servers::Kind};
use anyhow::{Context, Result};
use shape::Shape;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

/// `chat-bench fill`.
pub(crate) async fn run(common: &Common) -> Result<()> {
    let shape = Shape::new(common.messages);
    for kind in &common.server {
        match kind {
            Kind::Ceiling => {}
            Kind::Sqlite => drop(sqlite_file(&common.data, &shape).await?),
            Kind::Axum => drop(plain_file(&common.data, &shape).await?),
            Kind::Postgres => drop(postgres_database(&Cluster::start(&common.data)?, &shape).await?),
        }
    }
    Ok(())
}

/// The filled SQLite file, made when it is not there.
pub(crate) async fn sqlite_file(data: &Path, shape: &Shape) -> Result<PathBuf> {
    let file = file(data, "chat", shape)?;
    if !file.exists() {
        let began = begin(shape, "SQLite");
        sqlite::fill(&file, shape).await.context("the SQLite file could not be filled")?;
        report::note(&format!("done in {:.0} s", began.elapsed().as_secs_f64()));
    }
    Ok(file)
}

/// The same data in the tables of the plain service.
pub(crate) async fn plain_file(data: &Path, shape: &Shape) -> Result<PathBuf> {
    let file = file(data, "plain", shape)?;
    if !file.exists() {
        let from = sqlite_file(data, shape).await?;
        sqlite::fill_plain(&file, &from).await.context("the plain service's file could not be filled")?;
    }
    Ok(file)
}

/// The name of the filled Postgres database, made when it is not there.
pub(crate) async fn postgres_database(cluster: &Cluster, shape: &Shape) -> Result<String> {
    let name = format!("filled_{}", shape.messages);
    if !cluster.has(&name).await? {
        let began = begin(shape, "Postgres");
        postgres::fill(cluster, &name, shape).await.context("the Postgres database could not be filled")?;
        report::note(&format!("done in {:.0} s", began.elapsed().as_secs_f64()));
    }
    Ok(name)
}

fn file(data: &Path, name: &str, shape: &Shape) -> Result<PathBuf> {
    fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    Ok(data.join(format!("{name}-{}.db", shape.messages)))
}

fn begin(shape: &Shape, database: &str) -> Instant {
    report::note(&format!("filling {database} with {} messages", shape.messages));
    Instant::now()
}
