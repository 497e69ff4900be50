//! The validity of the certificate chain.

use chat_core::{
    api::Timestamp,
    clock::{Clock as _, SystemClock},
    error_chain,
    store::sql::{Finding, Level},
};
use chat_program::printable;
use chat_server::{Exposition, MetricKind, Tls};
use std::time::Duration;
use tokio::time::Instant;
use x509_parser::parse_x509_certificate;

/// A certificate is reported if it expires within this time, in seconds.
///
/// Programs that renew certificates do so 30 days before the end.
const SOON_SECONDS: i64 = 14 * 24 * 60 * 60;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// How long [`watch`] waits at most before it examines the certificate again.
///
/// The wall clock can change, and a suspended machine does not count the time.
const CHECK_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How long [`watch`] waits before it logs the same findings again.
const REPEAT_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The subject of the findings.
pub(super) const SUBJECT: &str = "certificate";

/// Checks that each certificate of the chain is valid at the time `now`.
///
/// Each must also stay valid for [`SOON_SECONDS`]. There are no findings for a chain that passes.
pub(super) fn examine(tls: &Tls, now: Timestamp) -> Vec<Finding> {
    let now = now.as_micros() / MICROS_PER_SECOND;
    tls.certificates().iter().filter_map(|certificate| examine_one(certificate, now)).collect()
}

fn examine_one(certificate: &[u8], now: i64) -> Option<Finding> {
    let certificate = match parse_x509_certificate(certificate) {
        Ok((_, certificate)) => certificate,
        Err(error) => {
            let text = format!("the dates of a certificate cannot be read: {}", error_chain(&error));
            return Some(Finding::warning(SUBJECT, text, "check the files of the certificate"));
        }
    };
    let subject = certificate.subject().to_string();
    let subject = printable(&subject);
    let (begin, end) =
        (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    if now > end {
        let text = format!("the certificate of {subject} expired at {}", time(end));
        Some(Finding::problem(SUBJECT, text, "renew it, and send SIGHUP to the server"))
    } else if now < begin {
        let text = format!("the certificate of {subject} is not valid before {}", time(begin));
        Some(Finding::problem(
            SUBJECT,
            text,
            "check the clock of this machine, or use a certificate that is valid now",
        ))
    } else if end - now < SOON_SECONDS {
        let text = format!("the certificate of {subject} expires at {}", time(end));
        Some(Finding::warning(SUBJECT, text, "renew it, and send SIGHUP to the server"))
    } else {
        None
    }
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(MICROS_PER_SECOND))
}

/// Logs the findings of [`examine`].
///
/// Clients refuse a certificate that is not valid, but the server can use it.
pub(super) fn log(tls: &Tls, now: Timestamp) {
    log_findings(examine(tls, now));
}

/// Logs the findings of [`examine`] after each change, and once a day.
///
/// They change, for example, when a certificate expires. The findings at the time of the call are not logged.
pub(super) async fn watch(tls: Tls) {
    let mut logged = (texts(&examine(&tls, SystemClock.now())), Instant::now());
    loop {
        let wait = next_change(&tls, SystemClock.now()).unwrap_or(CHECK_INTERVAL);
        tokio::time::sleep(wait.min(CHECK_INTERVAL)).await;
        let findings = examine(&tls, SystemClock.now());
        let found = texts(&findings);
        if found != logged.0 || logged.1.elapsed() >= REPEAT_INTERVAL {
            logged = (found, Instant::now());
            log_findings(findings);
        }
    }
}

fn texts(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| finding.text.clone()).collect()
}

/// Returns the time until the next change of the findings of [`examine`].
///
/// The certificates are assumed to stay the same.
fn next_change(tls: &Tls, now: Timestamp) -> Option<Duration> {
    let now = now.as_micros() / MICROS_PER_SECOND;
    let changes = validities(tls).flat_map(|(begin, end)| [begin, end - SOON_SECONDS + 1, end + 1]);
    changes
        .filter_map(|change| u64::try_from(change - now).ok())
        .filter(|wait| *wait > 0)
        .min()
        .map(Duration::from_secs)
}

/// Returns the start and the end of the validity of each certificate of the chain.
///
/// Both are in seconds since 1970.
fn validities(tls: &Tls) -> impl Iterator<Item = (i64, i64)> {
    tls.certificates().into_iter().filter_map(|certificate| {
        let (_, certificate) = parse_x509_certificate(&certificate).ok()?;
        let validity = certificate.validity();
        Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
    })
}

/// Writes the metric of the certificate.
pub(super) fn metrics(tls: &Tls, text: &mut Exposition) {
    if let Some(end) = validities(tls).map(|(_, end)| end).min() {
        let name = "chat_certificate_expiry_timestamp_seconds";
        let help = "When the first certificate of the chain in use expires, in seconds since 1970.";
        text.numbers(MetricKind::Gauge, name, help, [([], end)]);
    }
}

fn log_findings(findings: Vec<Finding>) {
    for Finding { level, text, advice, .. } in findings {
        let advice = advice.unwrap_or_default();
        match level {
            Level::Problem => tracing::error!("{text}; {advice}"),
            _ => tracing::warn!("{text}; {advice}"),
        }
    }
}
