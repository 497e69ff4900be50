//! The metrics of requests, by route, method and status.

use super::Number;
use chat_core::histogram::{DURATIONS, Distribution, Histogram};
use http::{Method, StatusCode};
use std::time::Duration;

/// The methods that are counted separately; all others share one cell.
///
/// So a client cannot make the table grow.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE, Method::OPTIONS];
/// The statuses that the server answers with; all others share one number.
const STATUSES: [u16; 15] = [200, 201, 204, 400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 500, 503];

/// The row of the table that a request belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row(usize);

/// The table, and the number of requests in flight.
#[derive(Debug)]
pub(crate) struct Requests {
    rows: Vec<(&'static str, [Cell; METHODS.len() + 1])>,
    running: Number,
}

/// The requests of one route and method.
#[derive(Debug)]
struct Cell {
    statuses: [Number; STATUSES.len() + 1],
    durations: Histogram,
}

/// Counts as one request in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct Running<'a>(&'a Number);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.decrement();
    }
}

impl Requests {
    /// The label of requests that match no route.
    pub(crate) const NO_ROUTE: &'static str = "none";

    /// Creates an empty table with one row per route, in this order.
    pub(crate) fn new(routes: impl IntoIterator<Item = &'static str>) -> Self {
        let cell = |_| Cell { statuses: Default::default(), durations: Histogram::new(DURATIONS) };
        let row = |route| (route, std::array::from_fn(cell));
        Self {
            rows: routes.into_iter().chain([Self::NO_ROUTE]).map(row).collect(),
            running: Number::default(),
        }
    }

    /// Returns the row of the route with this index.
    ///
    /// Requests without a route have one row of their own.
    pub(crate) fn row(&self, route: Option<usize>) -> Row {
        Row(route.unwrap_or(self.rows.len() - 1))
    }

    /// Counts a request in flight.
    pub(crate) fn begin(&self) -> Running<'_> {
        self.running.increment();
        Running(&self.running)
    }

    /// Counts an answered request.
    pub(crate) fn answered(&self, row: Row, method: &Method, status: StatusCode, duration: Duration) {
        let method = METHODS.iter().position(|known| known == method).unwrap_or(METHODS.len());
        let status = STATUSES.iter().position(|known| *known == status.as_u16()).unwrap_or(STATUSES.len());
        let Some(cell) = self.rows.get(row.0).and_then(|(_, cells)| cells.get(method)) else { return };
        if let Some(count) = cell.statuses.get(status) {
            count.increment();
        }
        cell.durations.record_duration(duration);
    }

    /// Returns the number of requests in flight.
    pub(super) fn running(&self) -> u64 {
        self.running.read()
    }

    /// Returns the non-zero counts, by route, method and status.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str, u64)> {
        self.cells().flat_map(|(route, method, cell)| {
            let named =
                cell.statuses.iter().enumerate().map(move |(i, n)| (route, method, status_name(i), n.read()));
            named.filter(|(_, _, _, count)| *count > 0)
        })
    }

    /// Returns the non-empty distributions of durations, by route and method.
    pub(super) fn durations(&self) -> impl Iterator<Item = (&'static str, &'static str, Distribution)> {
        let read = self.cells().map(|(route, method, cell)| (route, method, cell.durations.read()));
        read.filter(|(_, _, durations)| durations.count() > 0)
    }

    fn cells(&self) -> impl Iterator<Item = (&'static str, &'static str, &Cell)> {
        self.rows.iter().flat_map(|(route, cells)| {
            cells.iter().enumerate().map(|(i, cell)| (*route, method_name(i), cell))
        })
    }
}

fn method_name(index: usize) -> &'static str {
    ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"].get(index).unwrap_or(&"other")
}

fn status_name(index: usize) -> &'static str {
    let names = [
        "200", "201", "204", "400", "401", "403", "404", "405", "408", "413", "415", "422", "429", "500",
        "503",
    ];
    names.get(index).unwrap_or(&"other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_that_of_its_index() {
        for (index, method) in METHODS.iter().enumerate() {
            assert_eq!(method_name(index), method.as_str());
        }
        for (index, status) in STATUSES.iter().enumerate() {
            assert_eq!(status_name(index), status.to_string());
        }
    }

    #[test]
    fn unknown_routes_methods_and_statuses_share_a_cell() {
        let requests = Requests::new(["/users/"]);
        let duration = Duration::from_millis(1);
        requests.answered(requests.row(Some(0)), &Method::GET, StatusCode::OK, duration);
        requests.answered(requests.row(None), &Method::TRACE, StatusCode::IM_A_TEAPOT, duration);
        let counts: Vec<_> = requests.counts().collect();
        assert_eq!(counts, [("/users/", "GET", "200", 1), ("none", "other", "other", 1)]);
    }

    #[test]
    fn a_dropped_request_is_no_longer_in_flight() {
        let requests = Requests::new([]);
        let running = requests.begin();
        assert_eq!(requests.running(), 1);
        drop(running);
        assert_eq!(requests.running(), 0);
    }
}
