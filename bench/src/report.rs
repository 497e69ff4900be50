//! The only place that prints.

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// A line of the result.
#[expect(clippy::print_stdout, reason = "this is the place")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// What goes on meanwhile.
#[expect(clippy::print_stderr, reason = "this is the place")]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// The result as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// What a server did in a scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: String,
    pub(crate) connections: usize,
    pub(crate) server: String,
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// CPU of the server's process for a request.
    pub(crate) cpu_us: f64,
    /// That of the database server's processes, where there is one.
    pub(crate) database_cpu_us: Option<f64>,
    pub(crate) peak_mb: f64,
    /// Without program, libraries and mapped files.
    pub(crate) own_mb: f64,
    pub(crate) of_ceiling: Option<Ratios>,
    /// The same beside the ceiling that parses and echoes, whatever the scenario.
    pub(crate) of_echo: Option<Ratios>,
}

/// A server's figures divided by the ceiling's.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Ratios {
    pub(crate) requests_per_second: f64,
    pub(crate) p99: f64,
    pub(crate) cpu: f64,
}

impl Row {
    fn beside(&self, ceiling: &(String, usize, Ratios)) -> Ratios {
        let (_, _, ceiling) = ceiling;
        Ratios {
            requests_per_second: self.requests_per_second / ceiling.requests_per_second,
            p99: self.p99_us / ceiling.p99,
            cpu: self.cpu_us / ceiling.cpu,
        }
    }
}

/// Puts the ratios in.
pub(crate) fn compare(rows: &mut [Row]) {
    let figures =
        |row: &Row| Ratios { requests_per_second: row.requests_per_second, p99: row.p99_us, cpu: row.cpu_us };
    let ceilings: Vec<_> = rows
        .iter()
        .filter(|row| row.server == "ceiling")
        .map(|row| (row.scenario.clone(), row.connections, figures(row)))
        .collect();
    for row in rows {
        let ceiling = |scenario: &str| {
            ceilings.iter().find(|(name, connections, _)| name == scenario && *connections == row.connections)
        };
        row.of_ceiling = ceiling(&row.scenario).map(|ceiling| row.beside(ceiling));
        row.of_echo = ceiling("send").map(|ceiling| row.beside(ceiling));
    }
}

/// Prints the rows for people.
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
        "own MB",
        "× req/s",
        "× p99",
        "× CPU",
        "× echo CPU",
    ]);
    for row in rows {
        let ratio = |pick: fn(&Ratios) -> f64| {
            row.of_ceiling.as_ref().map_or(String::new(), |r| format!("{:.2}", pick(r)))
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
            format!("{:.1}", row.own_mb),
            ratio(|r| r.requests_per_second),
            ratio(|r| r.p99),
            ratio(|r| r.cpu),
            row.of_echo.map_or(String::new(), |echo| format!("{:.2}", echo.cpu)),
        ]);
    }
    line(&table.to_string());
}

/// Prints names with their values.
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
