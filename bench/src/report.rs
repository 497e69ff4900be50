//! The only module that prints.
//!
//! The result goes to standard output, progress to standard error.

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// Prints a line of the result.
#[expect(clippy::print_stdout, reason = "the module that prints")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Prints the progress of the program.
#[expect(clippy::print_stderr, reason = "the module that prints")]
pub(crate) fn progress(text: &str) {
    eprintln!("{text}");
}

/// Prints the result as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// The figures of a server in a scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) connections: usize,
    pub(crate) server: String,
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// CPU time of the server's process for a request.
    pub(crate) cpu_us: f64,
    /// CPU time of the database server's processes for a request, if there is one.
    pub(crate) database_cpu_us: Option<f64>,
    /// The peak of the resident memory, in MB.
    pub(crate) peak_mb: f64,
    /// The anonymous memory, in MB: without program, libraries and mapped files.
    pub(crate) anonymous_mb: f64,
    /// The figures divided by the ceiling's in the same scenario.
    pub(crate) ratio_to_ceiling: Option<Ratios>,
    /// The figures divided by the ceiling's in the scenario `send`.
    ///
    /// In that scenario the ceiling parses a message and echoes it.
    pub(crate) ratio_to_echo: Option<Ratios>,
}

/// A server's figures divided by the ceiling's.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ratios {
    pub(crate) requests_per_second: f64,
    pub(crate) p99: f64,
    pub(crate) cpu: f64,
}

impl Row {
    fn divided_by(&self, ceiling: &Ratios) -> Ratios {
        Ratios {
            requests_per_second: self.requests_per_second / ceiling.requests_per_second,
            p99: self.p99_us / ceiling.p99,
            cpu: self.cpu_us / ceiling.cpu,
        }
    }
}

/// Computes the ratios to the ceiling's rows, if there are any.
pub(crate) fn add_ratios(rows: &mut [Row]) {
    let figures =
        |row: &Row| Ratios { requests_per_second: row.requests_per_second, p99: row.p99_us, cpu: row.cpu_us };
    let ceilings: Vec<_> = rows
        .iter()
        .filter(|row| row.server == "ceiling")
        .map(|row| (row.scenario.clone(), row.connections, figures(row)))
        .collect();
    for row in rows {
        let ratio_to_ceiling = |scenario: &str| {
            let mut ceilings = ceilings.iter();
            let same = |(name, connections, _): &&(String, usize, Ratios)| {
                name == scenario && *connections == row.connections
            };
            ceilings.find(same).map(|(_, _, ceiling)| row.divided_by(ceiling))
        };
        (row.ratio_to_ceiling, row.ratio_to_echo) =
            (ratio_to_ceiling(&row.scenario), ratio_to_ceiling("send"));
    }
}

/// Prints the rows as a table.
pub(crate) fn rows(rows: &[Row]) {
    let mut table = table(&[
        "scenario",
        "conns",
        "server",
        "req/s",
        "p50 µs",
        "p99 µs",
        "CPU µs",
        "db CPU µs",
        "peak MB",
        "anon MB",
        "× req/s",
        "× p99",
        "× CPU",
        "× echo CPU",
    ]);
    for row in rows {
        let ratio = |pick: fn(&Ratios) -> f64| {
            row.ratio_to_ceiling.as_ref().map_or(String::new(), |r| format!("{:.2}", pick(r)))
        };
        table.add_row([
            row.scenario.clone(),
            row.connections.to_string(),
            row.server.clone(),
            format!("{:.0}", row.requests_per_second),
            format!("{:.0}", row.p50_us),
            format!("{:.0}", row.p99_us),
            format!("{:.1}", row.cpu_us),
            row.database_cpu_us.map_or(String::new(), |cpu| format!("{cpu:.1}")),
            format!("{:.1}", row.peak_mb),
            format!("{:.1}", row.anonymous_mb),
            ratio(|r| r.requests_per_second),
            ratio(|r| r.p99),
            ratio(|r| r.cpu),
            row.ratio_to_echo.map_or(String::new(), |echo| format!("{:.2}", echo.cpu)),
        ]);
    }
    line(&table.to_string());
}

/// Prints names and values as a table.
pub(crate) fn values(values: &[(&str, String)]) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(["", ""]);
    for (name, value) in values {
        table.add_row([*name, value]);
    }
    line(&table.to_string());
}

fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(columns.iter().copied());
    for (n, column) in table.column_iter_mut().enumerate() {
        if n != 0 && n != 2 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
