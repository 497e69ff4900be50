//! The connection options of `serve`: TLS, origins, proxies, limits, timeouts.

use super::{
    certificate,
    common::seconds,
    failure::{Usage, hinted},
};
use anyhow::Result;
use chat_core::{
    clock::{Clock as _, SystemClock},
    error_chain,
};
use chat_server::{ChatServiceBuilder, IpNetwork, Origin, PublicUrl, ServerLimits, Tls};
use clap::builder::RangedU64ValueParser;
use std::{path::PathBuf, str::FromStr, time::Duration};

/// The largest limit on connections. It fits into `usize` on a 32-bit machine.
const MAX_CONNECTIONS: u64 = 1 << 28;

/// Default of `--body-timeout`.
const BODY_TIMEOUT_SECONDS: u64 = 15;

/// Default of `--request-timeout`.
const REQUEST_TIMEOUT_SECONDS: u64 = 30;

fn connections() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=MAX_CONNECTIONS)
}

/// Parses an element of a list that may have whitespace around its commas.
fn trimmed<T: FromStr>(text: &str) -> std::result::Result<T, T::Err> {
    text.trim().parse()
}

/// The options for connections.
#[derive(Debug, clap::Args)]
pub(super) struct ConnectionArgs {
    /// Serve over TLS with the certificate chain in this PEM file, the server's own certificate first.
    ///
    /// SIGHUP reloads it.
    #[arg(long, env = "CHAT_TLS_CERT", value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,

    /// PEM file with the key of the certificate.
    #[arg(long, env = "CHAT_TLS_KEY", value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,

    /// Web origins that may call the API from a browser, such as https://chat.example [default: none].
    #[arg(long, env = "CHAT_CORS_ORIGIN", value_name = "ORIGIN,...", value_delimiter = ',', value_parser = trimmed::<Origin>)]
    cors_origin: Vec<Origin>,

    /// Addresses and networks (such as 10.0.0.0/8) of proxies to trust in X-Forwarded-Proto, X-Forwarded-For and Forwarded.
    ///
    /// `--max-connections-per-address` does not apply to proxies that are named here, but `--max-connections` does
    /// [default: 127.0.0.1,::1, to which both apply].
    #[arg(long, env = "CHAT_TRUSTED_PROXIES", value_name = "IP,...", value_delimiter = ',', value_parser = trimmed::<IpNetwork>)]
    pub(super) trusted_proxies: Option<Vec<IpNetwork>>,

    /// URL at which clients see the server, for links to other pages, such as https://chat.example.
    ///
    /// With a path, links begin with it: for a proxy that removes that path [default: scheme and host of the request].
    #[arg(long, env = "CHAT_PUBLIC_URL", value_name = "URL")]
    public_url: Option<PublicUrl>,

    /// Maximum number of open connections.
    ///
    /// A new connection beyond that evicts one on which the server waits for the client. If there is none, the new
    /// connection is closed.
    #[arg(long, env = "CHAT_MAX_CONNECTIONS", value_name = "N", default_value_t = ServerLimits::default().connections)]
    #[arg(value_parser = connections())]
    pub(super) max_connections: usize,

    /// Maximum number of open connections of one address, or of one /64 network for IPv6.
    #[arg(long, env = "CHAT_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N")]
    #[arg(default_value_t = ServerLimits::default().connections_per_address, value_parser = connections())]
    max_connections_per_address: usize,

    /// How long a new connection may send nothing.
    #[arg(long, env = "CHAT_FIRST_BYTE_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = ServerLimits::default().first_byte_timeout.as_secs(), value_parser = seconds())]
    first_byte_timeout: u64,

    /// How long the head of a request may take to arrive.
    #[arg(long, env = "CHAT_HEADER_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = ServerLimits::default().header_timeout.as_secs(), value_parser = seconds())]
    header_timeout: u64,

    /// How long the body of a request may take to arrive.
    #[arg(long, env = "CHAT_BODY_TIMEOUT", value_name = "SECONDS", default_value_t = BODY_TIMEOUT_SECONDS)]
    #[arg(value_parser = seconds())]
    pub(super) body_timeout: u64,

    /// How long the server may take to answer a request, the arrival of its body included.
    #[arg(long, env = "CHAT_REQUEST_TIMEOUT", value_name = "SECONDS", default_value_t = REQUEST_TIMEOUT_SECONDS)]
    #[arg(value_parser = seconds())]
    pub(super) request_timeout: u64,

    /// How long a client may read nothing of a response.
    ///
    /// Up to eight times as long if the client has taken more than 150 kB, because its system may hold them unread.
    #[arg(long, env = "CHAT_WRITE_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = ServerLimits::default().write_timeout.as_secs(), value_parser = seconds())]
    write_timeout: u64,

    /// How long a connection may stay open without a request.
    ///
    /// A proxy in front should close idle connections earlier; many proxies close them after 60 seconds.
    #[arg(long, env = "CHAT_IDLE_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = ServerLimits::default().idle_timeout.as_secs(), value_parser = seconds())]
    idle_timeout: u64,

    /// How long shutdown may take.
    #[arg(long, env = "CHAT_STOP_TIMEOUT", value_name = "SECONDS")]
    #[arg(default_value_t = ServerLimits::default().stop_timeout.as_secs(), value_parser = seconds())]
    stop_timeout: u64,
}

impl ConnectionArgs {
    /// Reads the certificate, if one is given.
    pub(super) fn tls(&self) -> Result<Option<Tls>> {
        let missing = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => return Ok(Some(Tls::from_pem_files(certificate, key)?)),
            (None, None) => return Ok(None),
            (Some(_), None) => "--tls-cert or CHAT_TLS_CERT is given without --tls-key or CHAT_TLS_KEY",
            (None, Some(_)) => "--tls-key or CHAT_TLS_KEY is given without --tls-cert or CHAT_TLS_CERT",
        };
        Err(hinted(Usage(missing.to_owned()), "give both, or neither"))
    }

    /// Returns the limits of the server.
    pub(super) fn limits(&self) -> ServerLimits {
        ServerLimits::default()
            .connections(self.max_connections)
            .connections_per_address(self.max_connections_per_address)
            .unlimited_addresses(self.trusted_proxies.iter().flatten().copied())
            .first_byte_timeout(Duration::from_secs(self.first_byte_timeout))
            .header_timeout(Duration::from_secs(self.header_timeout))
            .write_timeout(Duration::from_secs(self.write_timeout))
            .idle_timeout(Duration::from_secs(self.idle_timeout))
            .stop_timeout(Duration::from_secs(self.stop_timeout))
    }

    /// Applies the options that belong to the service.
    pub(super) fn apply(&self, service: ChatServiceBuilder) -> ChatServiceBuilder {
        let service = service
            .cors_origins(self.cors_origin.iter().cloned())
            .body_timeout(Duration::from_secs(self.body_timeout))
            .request_timeout(Duration::from_secs(self.request_timeout));
        let service = match &self.trusted_proxies {
            Some(proxies) => service.trusted_proxies(proxies.iter().copied()),
            None => service,
        };
        match &self.public_url {
            Some(url) => service.public_url(url.clone()),
            None => service,
        }
    }
}

/// Reloads the certificate, at SIGHUP.
pub(super) fn reload(tls: &Tls) {
    match tls.reload() {
        Ok(()) => {
            tracing::info!("SIGHUP: certificate reloaded");
            certificate::log(tls, SystemClock.now());
        }
        Err(error) => {
            let hint = error.hint();
            let error = error_chain(&error);
            tracing::error!(%error, hint, "SIGHUP: cannot reload the certificate; keeping the current one");
        }
    }
}
