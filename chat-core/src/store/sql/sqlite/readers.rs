//! Reading an SQLite file on the thread that asks.
//!
//! Short look-ups go through connections that only read. Whatever is out of the ordinary there, a lock held by
//! somebody, an error, all of them in use, is left to sqlx, which waits and sorts errors.

use crate::store::sql::{
    sqlite::driver::{Place, failed, query},
    value::{Arg, Cells},
};
use rusqlite::Connection;
use sqlx::Error;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Connections that read where they are asked. `None` once they are closed.
#[derive(Clone)]
pub(crate) struct Here(Arc<[Mutex<Option<Connection>>]>);

impl Here {
    /// Opens a database that has been opened, and migrated, already.
    pub(crate) fn open(place: &Place) -> Result<Self, rusqlite::Error> {
        // Those who ask are the runtime's threads, of which there are as many as cores.
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16);
        // This thread has other things to do than to wait.
        let open = |_| Ok(Mutex::new(Some(place.open(false, Duration::ZERO)?)));
        Ok(Self((0..threads).map(open).collect::<Result<_, rusqlite::Error>>()?))
    }

    /// Runs a statement that reads and gives its rows to `take`; `false` when that is not to be done here, whatever
    /// was taken so far.
    pub(crate) fn read(
        &self,
        sql: &str,
        args: &[Arg<'_>],
        take: &mut dyn FnMut(&dyn Cells) -> Result<(), Error>,
    ) -> bool {
        for connection in &*self.0 {
            // The next, while somebody has this one, or has left it with a panic.
            if let Ok(connection) = connection.try_lock() {
                let Some(connection) = connection.as_ref() else { return false };
                return run(connection, sql, args, take).is_ok();
            }
        }
        false
    }

    /// Closes them all.
    pub(crate) fn close(&self) {
        for connection in &*self.0 {
            connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

fn run(
    connection: &Connection,
    sql: &str,
    args: &[Arg<'_>],
    take: &mut dyn FnMut(&dyn Cells) -> Result<(), Error>,
) -> Result<(), Error> {
    query(connection, sql, args, |mut rows| {
        while let Some(row) = rows.next().map_err(failed)? {
            take(row)?;
        }
        Ok(())
    })
}

impl fmt::Debug for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Here({} connections)", self.0.len())
    }
}
