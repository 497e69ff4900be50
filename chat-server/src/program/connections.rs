//! The options of `serve` that concern connections: how many, how long, how secure, from where.

use anyhow::Result;
use chat_server::{ChatServiceBuilder, Limits, Origin, Tls};
use clap::builder::RangedU64ValueParser;
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// What counts them cannot count further on a machine of 32 bits.
const CONNECTIONS_CEILING: u64 = 1 << 28;

/// A day, which is as good as no limit.
const SECONDS_CEILING: u64 = 24 * 60 * 60;

fn connections() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=CONNECTIONS_CEILING)
}

fn seconds() -> RangedU64ValueParser<u64> {
    RangedU64ValueParser::new().range(1..=SECONDS_CEILING)
}

/// What connections may ask of the server.
#[derive(Debug, clap::Args)]
pub(super) struct ConnectionArgs {
    /// Serve over TLS, with the certificates in this PEM file: the server's own first. Read again at SIGHUP.
    #[arg(long, env = "CHAT_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,

    /// The key of the certificate, in a PEM file.
    #[arg(long, env = "CHAT_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,

    /// Origins whose web pages may call the API from a browser, as in https://chat.example [default: none].
    #[arg(long, env = "CHAT_CORS_ORIGIN", value_name = "ORIGIN,…", value_delimiter = ',')]
    cors_origin: Vec<Origin>,

    /// Proxies whose X-Forwarded-Proto, X-Forwarded-For and Forwarded are believed, by address; those named here may have any number of connections
    /// [default: 127.0.0.1,::1, whose number is limited].
    #[arg(long, env = "CHAT_TRUSTED_PROXIES", value_name = "IP,…", value_delimiter = ',')]
    pub(super) trusted_proxies: Option<Vec<IpAddr>>,

    /// Connections at a time. One more takes the place of the one that has been silent for longest.
    #[arg(long, env = "CHAT_MAX_CONNECTIONS", value_name = "N", default_value_t = Limits::default().connections)]
    #[arg(value_parser = connections())]
    pub(super) max_connections: usize,

    /// The same for the connections of one address, or of one /64 network of IPv6.
    #[arg(long, env = "CHAT_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N")]
    #[arg(default_value_t = Limits::default().connections_per_address, value_parser = connections())]
    max_connections_per_address: usize,

    /// How long a new connection may take to say anything.
    #[arg(long, env = "CHAT_FIRST_BYTE_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = Limits::default().first_byte_timeout.as_secs(), value_parser = seconds())]
    first_byte_timeout: u64,

    /// How long the head of a request may take to arrive.
    #[arg(long, env = "CHAT_HEADER_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = Limits::default().header_timeout.as_secs(), value_parser = seconds())]
    header_timeout: u64,

    /// How long the body of a request may take to arrive.
    #[arg(long, env = "CHAT_BODY_TIMEOUT", value_name = "SECONDS", default_value_t = 15)]
    #[arg(value_parser = seconds())]
    pub(super) body_timeout: u64,

    /// How long the server may take to answer, the arrival of the body included.
    #[arg(long, env = "CHAT_REQUEST_TIMEOUT", value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = seconds())]
    pub(super) request_timeout: u64,

    /// How long a client may take nothing of an answer.
    #[arg(long, env = "CHAT_WRITE_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = Limits::default().write_timeout.as_secs(), value_parser = seconds())]
    write_timeout: u64,

    /// How long a connection is kept without a request.
    #[arg(long, env = "CHAT_IDLE_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = Limits::default().idle_timeout.as_secs(), value_parser = seconds())]
    idle_timeout: u64,

    /// How long stopping may take.
    #[arg(long, env = "CHAT_STOP_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = Limits::default().stop_timeout.as_secs(), value_parser = seconds())]
    stop_timeout: u64,
}

impl ConnectionArgs {
    /// The certificate to show, if one is named.
    pub(super) fn tls(&self) -> Result<Option<Tls>> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        Ok(Some(Tls::from_pem_files(certificate, key)?))
    }

    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.connections = self.max_connections;
        limits.connections_per_address = self.max_connections_per_address;
        limits.unlimited_addresses = self.trusted_proxies.clone().unwrap_or_default();
        limits.first_byte_timeout = Duration::from_secs(self.first_byte_timeout);
        limits.header_timeout = Duration::from_secs(self.header_timeout);
        limits.write_timeout = Duration::from_secs(self.write_timeout);
        limits.idle_timeout = Duration::from_secs(self.idle_timeout);
        limits.stop_timeout = Duration::from_secs(self.stop_timeout);
        limits
    }

    /// Sets up what the service itself has to know.
    pub(super) fn apply(&self, service: ChatServiceBuilder) -> ChatServiceBuilder {
        let service = service
            .cors_origins(self.cors_origin.iter().cloned())
            .body_timeout(Duration::from_secs(self.body_timeout))
            .request_timeout(Duration::from_secs(self.request_timeout));
        match &self.trusted_proxies {
            Some(proxies) => service.trusted_proxies(proxies.iter().copied()),
            None => service,
        }
    }
}

/// Reads the certificate again whenever the process is told to.
#[cfg(unix)]
pub(super) fn reload_at_hangup(tls: Tls) -> std::io::Result<()> {
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match tls.reload() {
                Ok(()) => tracing::info!("SIGHUP: the certificate has been read again"),
                Err(error) => tracing::error!(%error, "SIGHUP: the certificate stays as it was"),
            }
        }
    });
    Ok(())
}

/// There is no such signal here.
#[cfg(not(unix))]
pub(super) fn reload_at_hangup(_: Tls) -> std::io::Result<()> {
    Ok(())
}
