//! The copies of the filled databases that a run works on.

use crate::{
    dataset::Dataset,
    fill::{self, PostgresDatabases},
    options::CommonOptions,
    server_kind::ServerKind,
};
use anyhow::Result;
use std::fs;
use tempfile::TempDir;

/// The databases of one run.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: TempDir,
    postgres: Option<PostgresDatabases>,
    /// The Postgres databases that [`Workspace::close`] drops.
    copies: Vec<String>,
    pub(crate) dataset: Dataset,
}

impl Workspace {
    /// Creates the folder of a run, and starts Postgres if a server needs it.
    pub(crate) fn new(common: &CommonOptions, servers: &[ServerKind]) -> Result<Self> {
        fs::create_dir_all(&common.data)?;
        let needs_postgres = servers.contains(&ServerKind::Postgres);
        let postgres = needs_postgres.then(|| PostgresDatabases::start(&common.data)).transpose()?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&common.data)?;
        Ok(Self { folder, postgres, copies: Vec::new(), dataset: Dataset::new(common.messages) })
    }

    /// Makes a new copy of a server's database and returns its URL.
    ///
    /// The URL is empty for the ceiling.
    pub(crate) async fn copy(&mut self, common: &CommonOptions, kind: ServerKind) -> Result<String> {
        let filled = match kind {
            ServerKind::Ceiling => return Ok(String::new()),
            ServerKind::Sqlite => fill::sqlite_file(&common.data, &self.dataset).await?,
            ServerKind::Axum => fill::plain_file(&common.data, &self.dataset).await?,
            ServerKind::Postgres => return self.copy_postgres().await,
        };
        let copy = self.folder.path().join(format!("{kind}.db"));
        fs::copy(filled, &copy)?;
        Ok(format!("sqlite://{}", copy.display()))
    }

    async fn copy_postgres(&mut self) -> Result<String> {
        let Some(postgres) = &self.postgres else { anyhow::bail!("Postgres was not started") };
        let filled = fill::postgres_database(postgres, &self.dataset).await?;
        let copy = format!("run_{}", uuid::Uuid::from_u128(self.dataset.messages.into()).simple());
        postgres.run(format!("drop database if exists {copy} with (force)")).await?;
        postgres.run(format!("create database {copy} template {filled} strategy file_copy")).await?;
        let url = postgres.url(&copy);
        self.copies.push(copy);
        Ok(url)
    }

    /// Returns the id of the Postgres process that this server uses, if it uses one.
    pub(crate) fn database_process(&self, kind: ServerKind) -> Result<Option<u32>> {
        match &self.postgres {
            Some(postgres) if kind == ServerKind::Postgres => postgres.process_id().map(Some),
            _ => Ok(None),
        }
    }

    /// Removes the copies. The servers must have ended.
    pub(crate) async fn close(self) -> Result<()> {
        if let Some(postgres) = &self.postgres {
            for copy in &self.copies {
                postgres.run(format!("drop database {copy} with (force)")).await?;
            }
        }
        Ok(())
    }
}
