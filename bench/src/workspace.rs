//! The copies of the filled databases that a run works on.

use crate::{
    cluster::Cluster,
    fill::{self, shape::Shape},
    options::Common,
    servers::Kind,
};
use anyhow::Result;
use std::fs;
use tempfile::TempDir;

/// The databases of one run.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: TempDir,
    cluster: Option<Cluster>,
    databases: Vec<String>,
    pub(crate) shape: Shape,
}

impl Workspace {
    /// Gets ready for these servers.
    pub(crate) fn new(common: &Common, servers: &[Kind]) -> Result<Self> {
        fs::create_dir_all(&common.data)?;
        let cluster = servers.contains(&Kind::Postgres).then(|| Cluster::start(&common.data)).transpose()?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&common.data)?;
        Ok(Self { folder, cluster, databases: Vec::new(), shape: Shape::new(common.messages) })
    }

    /// The address of a fresh copy of a server's database; empty for the ceiling, which has none.
    pub(crate) async fn copy(&mut self, common: &Common, kind: Kind) -> Result<String> {
        let filled = match kind {
            Kind::Ceiling => return Ok(String::new()),
            Kind::Sqlite => fill::sqlite_file(&common.data, &self.shape).await?,
            Kind::Axum => fill::plain_file(&common.data, &self.shape).await?,
            Kind::Postgres => return self.copy_postgres().await,
        };
        let copy = self.folder.path().join(format!("{kind}.db"));
        fs::copy(filled, &copy)?;
        Ok(format!("sqlite://{}", copy.display()))
    }

    async fn copy_postgres(&mut self) -> Result<String> {
        let Some(cluster) = &self.cluster else { anyhow::bail!("Postgres was not started") };
        let filled = fill::postgres_database(cluster, &self.shape).await?;
        let copy = format!("run_{}", uuid::Uuid::from_u128(self.shape.messages.into()).simple());
        cluster.run(format!("drop database if exists {copy} with (force)")).await?;
        cluster.run(format!("create database {copy} template {filled} strategy file_copy")).await?;
        let url = cluster.url(&copy);
        self.databases.push(copy);
        Ok(url)
    }

    /// The process of the database server whose work counts as this server's.
    pub(crate) fn database_process(&self, kind: Kind) -> Result<Option<u32>> {
        match &self.cluster {
            Some(cluster) if kind == Kind::Postgres => cluster.process().map(Some),
            _ => Ok(None),
        }
    }

    /// Removes the copies. The servers must have ended.
    pub(crate) async fn close(self) -> Result<()> {
        if let Some(cluster) = &self.cluster {
            for database in &self.databases {
                cluster.run(format!("drop database {database} with (force)")).await?;
            }
        }
        Ok(())
    }
}
