//! Settings that a server would start with and its operator would regret.

use super::super::{database::DatabaseUrl, process, serve::ServeArgs};
use chat_core::store::sql::Finding;
use std::net::{IpAddr, SocketAddr};

/// Files a server has open beside its connections: the database's, the runtime's, listeners.
const OTHER_FILES: u64 = 64;

/// Looks at the settings; one line says so when there is nothing to say of them.
pub(super) fn examine(url: &DatabaseUrl, args: &ServeArgs) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut warn = |text: &str, advice: &str| found.push(Finding::warning("settings", text, advice));
    let connections = &args.connections;
    let public = is_public(&args.listen);
    if public && connections.tls_cert.is_none() && connections.trusted_proxies.is_none() {
        warn(
            "--listen is not this machine alone, and there is no TLS: passwords and tokens can be read on their way",
            "give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy; name one elsewhere in --trusted-proxies",
        );
    }
    if args.no_rate_limits && public {
        let advice = "leave out --no-rate-limits, unless the server in front has limits";
        warn("--no-rate-limits: passwords can be guessed as fast as they can be tried", advice);
    }
    if args.no_rate_limits && args.open_registration {
        let advice = "leave out --no-rate-limits, or --open-registration";
        warn("--open-registration without limits: anyone may fill the database with users", advice);
    }
    if args.metrics_listen.as_deref().is_some_and(is_public) {
        let advice = "listen on 127.0.0.1 or a network of your own";
        warn("--metrics-listen is not this machine alone: others may see how busy the server is", advice);
    }
    if args.no_sync && url.file().is_some() {
        let advice = "leave out --no-sync, if that is not what you want";
        warn("--no-sync: a power cut may cost the last messages, though they were acknowledged", advice);
    }
    if url.is_sqlite() && url.file().is_none() {
        warn("the database is in memory: it is gone with the server", "name a file with --database-url");
    }
    if connections.body_timeout > connections.request_timeout {
        let advice = "make --request-timeout the longer of the two";
        warn("--body-timeout is longer than --request-timeout, which ends a request before", advice);
    }
    found.extend(certificate(args));
    if found.is_empty() {
        found.push(Finding::ok("settings", "nothing that looks wrong"));
    }
    found.push(files(connections.max_connections as u64));
    found
}

/// Whether others than this machine can reach an address. A name is looked up by whoever listens; here it is one.
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

fn certificate(args: &ServeArgs) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Err(error) = args.connections.tls() {
        found.push(Finding::problem("certificate", format!("{error:#}"), "look at --tls-cert and --tls-key"));
    }
    #[cfg(unix)]
    if let Some(key) = &args.connections.tls_key
        && let Ok(data) = std::fs::metadata(key)
        && std::os::unix::fs::MetadataExt::mode(&data) & 0o007 != 0
    {
        let text = "every user of this machine may read the key of the certificate";
        found.push(Finding::warning("certificate", text, format!("chmod 600 {}", key.display())));
    }
    found
}

/// Whether the system lets the process have as many connections as it would take.
fn files(connections: u64) -> Finding {
    match process::files_limit() {
        Some(limit) if limit < connections + OTHER_FILES => Finding::warning(
            "files",
            format!("a process may have {limit} files open, and --max-connections is {connections}"),
            format!(
                "raise it for the server (`ulimit -n {0}`, or LimitNOFILE={0} of its service), or lower --max-connections",
                connections + OTHER_FILES
            ),
        ),
        _ => Finding::ok("files", "a process may have as many files open as --max-connections asks for"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn what_others_can_reach() {
        for public in ["0.0.0.0:8000", "[::]:8000", "192.0.2.1:80", "chat.example:80"] {
            assert!(is_public(public), "{public}");
        }
        for own in
            ["127.0.0.1:8000", "127.8.8.8:1", "[::1]:8000", "[::ffff:127.0.0.1]:8000", "localhost:8000"]
        {
            assert!(!is_public(own), "{own}");
        }
    }
}
