//! Checks of the settings that a server would start with.

use super::super::{certificate, database_url::DatabaseUrl, failure, process, serve::ServeArgs};
use chat_core::{
    clock::{Clock as _, SystemClock},
    error_chain,
    store::sql::{Address, Finding},
};
use std::net::{IpAddr, SocketAddr};

/// Files that a server has open in addition to its connections.
///
/// They belong to the database, the runtime and the listeners.
const OTHER_OPEN_FILES: u64 = 64;

/// Checks the settings. If there is no warning, one finding says so.
pub(super) fn examine(url: &DatabaseUrl, args: &ServeArgs) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut warn = |text: &str, advice: &str| findings.push(Finding::warning("settings", text, advice));
    let connections = &args.connections;
    let public = is_public(&args.listen);
    if public && connections.tls_cert.is_none() && connections.trusted_proxies.is_none() {
        warn(
            "--listen is reachable from other machines without TLS: passwords and tokens can be read in transit",
            "give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy; name a proxy on another machine in --trusted-proxies",
        );
    }
    if args.no_rate_limits && public {
        let advice = "leave out --no-rate-limits, unless the proxy in front has rate limits";
        warn("--no-rate-limits: passwords can be guessed without limit", advice);
    }
    if args.no_rate_limits && args.open_registration {
        let advice = "leave out --no-rate-limits, or --open-registration";
        warn("--open-registration with --no-rate-limits: a client can fill the database with users", advice);
    }
    if args.metrics_listen.as_deref().is_some_and(is_public) {
        let advice = "listen on 127.0.0.1 or in a private network";
        warn(
            "--metrics-listen is reachable from other machines: they can see how busy the server is",
            advice,
        );
    }
    if args.no_sync && url.file().is_some() {
        let advice = "leave out --no-sync, unless losing them is acceptable";
        warn(
            "--no-sync: a power failure may lose the last messages, although they were acknowledged",
            advice,
        );
    }
    if matches!(url.parse(), Ok(Address::Memory)) {
        warn(
            "the database is in memory and is lost when the server stops",
            "name a file with --database-url",
        );
    }
    if connections.body_timeout > connections.request_timeout {
        let advice = "make --request-timeout longer than --body-timeout";
        warn("--body-timeout has no effect: it is longer than --request-timeout", advice);
    }
    findings.extend(tls(args));
    if findings.is_empty() {
        findings.push(Finding::ok("settings", "the settings are in order"));
    }
    findings.push(open_files(connections.max_connections as u64));
    findings
}

/// Returns whether other machines can reach an address.
///
/// Names are not resolved: every name but `localhost` counts as reachable.
fn is_public(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    match address.parse::<SocketAddr>() {
        Ok(address) => !is_loopback(address.ip()),
        Err(_) => host != "localhost",
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The permission bits of users outside the owner's group.
#[cfg(unix)]
const OTHERS: u32 = 0o007;

/// Checks that the certificate can be used and is valid.
///
/// Also checks that its key is not world-readable.
fn tls(args: &ServeArgs) -> Vec<Finding> {
    let mut findings = Vec::new();
    match args.connections.tls() {
        Ok(None) => {}
        Ok(Some(tls)) => findings.extend(certificate::examine(&tls, SystemClock.now())),
        Err(error) => {
            let advice = failure::hint(&error).unwrap_or("check --tls-cert and --tls-key".into());
            findings.push(Finding::problem(certificate::SUBJECT, error_chain(&*error).to_string(), advice));
        }
    }
    #[cfg(unix)]
    if let Some(key) = &args.connections.tls_key
        && let Ok(data) = std::fs::metadata(key)
        && std::os::unix::fs::MetadataExt::mode(&data) & OTHERS != 0
    {
        let text = "every user of this machine can read the key of the certificate";
        findings.push(Finding::warning(certificate::SUBJECT, text, format!("chmod 600 {}", key.display())));
    }
    findings
}

/// Checks that the process may open as many files as `--max-connections` needs.
fn open_files(connections: u64) -> Finding {
    match process::open_files_limit() {
        Some(limit) if limit < connections + OTHER_OPEN_FILES => Finding::warning(
            "files",
            format!("a process may open {limit} files, but --max-connections is {connections}"),
            format!(
                "raise it for the server (`ulimit -n {0}`, or LimitNOFILE={0} of its service), or lower --max-connections",
                connections + OTHER_OPEN_FILES
            ),
        ),
        _ => Finding::ok("files", "a process may open as many files as --max-connections needs"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn only_loopback_addresses_are_private() {
        for public in ["0.0.0.0:8000", "[::]:8000", "192.0.2.1:80", "chat.example:80"] {
            assert!(is_public(public), "{public}");
        }
        for private in
            ["127.0.0.1:8000", "127.8.8.8:1", "[::1]:8000", "[::ffff:127.0.0.1]:8000", "localhost:8000"]
        {
            assert!(!is_public(private), "{private}");
        }
    }
}
