//! All metrics, by name.

use super::{
    Connections, Metrics, Number, Requests,
    exposition::{Exposition, MetricKind::*},
};
use chat_core::store::{BatchMetrics, ListMetrics, PoolMetrics, StoreMetrics};

/// Microseconds in a second.
const MICROS_PER_SECOND: u32 = 1_000_000;

/// Returns the text for Prometheus.
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
    if let Some(bytes) = store.wal_bytes {
        let help = "Size of the WAL of an SQLite database.";
        text.numbers(Gauge, "chat_database_wal_bytes", help, [([], bytes)]);
    }
    if let Some(lists) = store.lists {
        of_lists(&mut text, lists);
    }
    text.into_text()
}

fn of_requests(text: &mut Exposition, requests: &Requests) {
    text.numbers(
        Counter,
        "chat_http_requests_total",
        "Requests answered, by path of the endpoint, method and status.",
        requests.counts().map(|(route, method, status, count)| {
            ([("route", route), ("method", method), ("status", status)], count)
        }),
    );
    text.histograms(
        "chat_http_request_duration_seconds",
        "Time from the head of a request to the head of its response.",
        MICROS_PER_SECOND,
        requests
            .durations()
            .map(|(route, method, durations)| ([("route", route), ("method", method)], durations)),
    );
    let help = "Requests in flight.";
    text.numbers(Gauge, "chat_http_requests_in_flight", help, [([], requests.running())]);
}

fn of_limits(text: &mut Exposition, metrics: &Metrics) {
    let of = |label: &'static str, value: &'static str, number: &Number| ([(label, value)], number.read());
    let sign_ins = &metrics.sign_ins;
    text.numbers(
        Counter,
        "chat_log_ins_total",
        "Attempts to sign in with a password.",
        [
            of("outcome", "accepted", &sign_ins.accepted),
            of("outcome", "wrong", &sign_ins.wrong),
            of("outcome", "throttled", &sign_ins.throttled),
            of("outcome", "failed", &sign_ins.failed),
        ],
    );
    let throttled = &metrics.throttled;
    text.numbers(
        Counter,
        "chat_throttled_total",
        "Requests refused by a rate limit.",
        [
            of("kind", "password", &throttled.passwords),
            of("kind", "registration", &throttled.registrations),
            of("kind", "request", &throttled.requests),
        ],
    );
}

fn of_connections(text: &mut Exposition, connections: &Connections) {
    let mut write = |kind, name, help, number: &Number| text.numbers(kind, name, help, [([], number.read())]);
    write(Gauge, "chat_connections", "Open connections.", &connections.open);
    let help = "Connections accepted.";
    write(Counter, "chat_connections_accepted_total", help, &connections.accepted);
    let help = "Connections closed at once, because all others were busy.";
    write(Counter, "chat_connections_refused_total", help, &connections.refused);
    let help = "Accepted connections that were evicted for another.";
    write(Counter, "chat_connections_displaced_total", help, &connections.displaced);
}

fn of_pools(text: &mut Exposition, pools: &[PoolMetrics]) {
    let mut write = |name, help, number: fn(&PoolMetrics) -> u64| {
        text.numbers(Gauge, name, help, pools.iter().map(|pool| ([("pool", pool.name)], number(pool))));
    };
    write("chat_database_connections", "Open connections to the database.", |pool| pool.open);
    write("chat_database_connections_idle", "Open connections to the database that are idle.", |pool| {
        pool.idle
    });
    write("chat_database_connections_max", "Limit on open connections to the database.", |pool| pool.max);
    let help = "Short reads that found no free connection, or a lock, and moved to the blocking pool.";
    let moved = pools.iter().map(|pool| ([("pool", pool.name)], pool.moved));
    text.numbers(Counter, "chat_database_reads_moved_total", help, moved);
}

fn of_lists(text: &mut Exposition, lists: ListMetrics) {
    let mut write = |kind, name, help, value| text.numbers(kind, name, help, [([], value)]);
    let help = "Messages and read marks since the oldest one that is not in all of its lists.";
    write(Gauge, "chat_database_list_changes_waiting", help, lists.waiting);
    let help = "Lists of messages that were written.";
    write(Counter, "chat_database_lists_written_total", help, lists.written);
    let help = "Memory of the changes that are not in all of their lists.";
    write(Gauge, "chat_database_list_changes_bytes", help, lists.tail_bytes);
}

fn of_batches(text: &mut Exposition, batches: &[BatchMetrics]) {
    let label = |batch: &BatchMetrics| [("write", batch.name)];
    let help = "Writes waiting for a batch.";
    text.numbers(Gauge, "chat_writes_waiting", help, batches.iter().map(|one| (label(one), one.waiting)));
    let help = "Writes refused because the queue was full.";
    text.numbers(
        Counter,
        "chat_writes_refused_total",
        help,
        batches.iter().map(|one| (label(one), one.refused)),
    );
    let help = "Time from the submission of a write to its result, its batch included.";
    let answers = batches.iter().map(|one| (label(one), one.latency.clone()));
    text.histograms("chat_write_duration_seconds", help, MICROS_PER_SECOND, answers);
    let help = "Writes in a batch.";
    let sizes = batches.iter().map(|one| (label(one), one.sizes.clone()));
    text.histograms("chat_batch_writes", help, 1, sizes);
    let help = "Duration of a batch, its commit included.";
    let commits = batches.iter().map(|one| (label(one), one.commits.clone()));
    text.histograms("chat_batch_duration_seconds", help, MICROS_PER_SECOND, commits);
}
