//! Everything that is counted, by its name.

use super::{
    Connections, Metrics, Number, Requests,
    exposition::{Exposition, Kind::*},
};
use chat_core::store::{BatchMetrics, PoolMetrics, StoreMetrics};

/// Microseconds in a second.
const MICROS: u32 = 1_000_000;

/// The text for Prometheus.
pub(super) fn text(requests: &Requests, metrics: &Metrics, store: &StoreMetrics) -> String {
    let mut text = Exposition::default();
    text.numbers(
        Gauge,
        "chat_build_info",
        "The version of the server.",
        [([("version", env!("CARGO_PKG_VERSION"))], 1)],
    );
    of_requests(&mut text, requests);
    of_limits(&mut text, metrics);
    of_connections(&mut text, &metrics.connections);
    of_pools(&mut text, &store.pools);
    of_batches(&mut text, &store.batches);
    text.into_text()
}

fn of_requests(text: &mut Exposition, requests: &Requests) {
    text.numbers(
        Counter,
        "chat_http_requests_total",
        "Requests answered, by the endpoint's path, method and status.",
        requests.counts().map(|(route, method, status, count)| {
            ([("route", route), ("method", method), ("status", status)], count)
        }),
    );
    text.histograms(
        "chat_http_request_duration_seconds",
        "Time from the head of a request to the head of its answer.",
        MICROS,
        requests.took().map(|(route, method, took)| ([("route", route), ("method", method)], took)),
    );
    let help = "Requests being worked on.";
    text.numbers(Gauge, "chat_http_requests_in_flight", help, [([], requests.running())]);
}

fn of_limits(text: &mut Exposition, metrics: &Metrics) {
    let of = |label: &'static str, value: &'static str, number: &Number| ([(label, value)], number.read());
    let log_ins = &metrics.log_ins;
    text.numbers(
        Counter,
        "chat_log_ins_total",
        "Attempts to sign in with a password.",
        [
            of("outcome", "accepted", &log_ins.accepted),
            of("outcome", "wrong", &log_ins.wrong),
            of("outcome", "throttled", &log_ins.throttled),
            of("outcome", "failed", &log_ins.failed),
        ],
    );
    let throttled = &metrics.throttled;
    text.numbers(
        Counter,
        "chat_throttled_total",
        "Requests refused for being too many.",
        [
            of("kind", "password", &throttled.passwords),
            of("kind", "registration", &throttled.registrations),
            of("kind", "request", &throttled.requests),
        ],
    );
}

fn of_connections(text: &mut Exposition, connections: &Connections) {
    let mut tell = |kind, name, help, number: &Number| text.numbers(kind, name, help, [([], number.read())]);
    tell(Gauge, "chat_connections", "Connections open now.", &connections.open);
    let help = "Connections that were given a place.";
    tell(Counter, "chat_connections_accepted_total", help, &connections.accepted);
    let help = "Connections that were given none, all places being busy.";
    tell(Counter, "chat_connections_refused_total", help, &connections.refused);
    let help = "Accepted connections that had to make room for another.";
    tell(Counter, "chat_connections_displaced_total", help, &connections.displaced);
}

fn of_pools(text: &mut Exposition, pools: &[PoolMetrics]) {
    let mut tell = |name, help, number: fn(&PoolMetrics) -> u64| {
        text.numbers(Gauge, name, help, pools.iter().map(|pool| ([("pool", pool.name)], number(pool))));
    };
    tell("chat_database_connections", "Connections to the database.", |pool| pool.open);
    tell("chat_database_connections_idle", "Those of them that nobody uses.", |pool| pool.idle);
    tell("chat_database_connections_max", "How many there may be.", |pool| pool.max);
}

fn of_batches(text: &mut Exposition, batches: &[BatchMetrics]) {
    let label = |batch: &BatchMetrics| [("write", batch.name)];
    let help = "Writes waiting for a batch to begin.";
    text.numbers(Gauge, "chat_writes_waiting", help, batches.iter().map(|one| (label(one), one.waiting)));
    let help = "Writes refused because too many waited.";
    text.numbers(
        Counter,
        "chat_writes_refused_total",
        help,
        batches.iter().map(|one| (label(one), one.refused)),
    );
    let help = "Time from a write being asked for to its answer, its batch included.";
    let answers = batches.iter().map(|one| (label(one), one.answers.clone()));
    text.histograms("chat_write_duration_seconds", help, MICROS, answers);
    let help = "Writes committed together.";
    let sizes = batches.iter().map(|one| (label(one), one.sizes.clone()));
    text.histograms("chat_batch_writes", help, 1, sizes);
    let help = "Time that a batch took, its commit included.";
    let commits = batches.iter().map(|one| (label(one), one.commits.clone()));
    text.histograms("chat_batch_duration_seconds", help, MICROS, commits);
}
