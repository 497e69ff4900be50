//! The validity of the certificate chain.

use chat_core::{
    api::Timestamp,
    error_chain,
    store::sql::{Finding, Level},
};
use chat_program::printable;
use chat_server::Tls;
use x509_parser::parse_x509_certificate;

/// A certificate is reported if it expires within this time, in seconds.
///
/// Programs that renew certificates do so 30 days before the end.
const SOON_SECONDS: i64 = 14 * 24 * 60 * 60;
const MICROS_PER_SECOND: i64 = 1_000_000;

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
    for Finding { level, text, advice, .. } in examine(tls, now) {
        let advice = advice.unwrap_or_default();
        match level {
            Level::Problem => tracing::error!("{text}; {advice}"),
            _ => tracing::warn!("{text}; {advice}"),
        }
    }
}
