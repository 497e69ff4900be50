//! `chat-server serve`.

use super::{
    common::Common,
    connections::{ConnectionArgs, reload_at_hangup},
    database, demo,
    idle::Idle,
    lock::ServerLock,
    metrics, output, signals,
};
use anyhow::{Context, Result, anyhow};
use chat_core::{
    Chat,
    api::limits,
    clock::{Clock as _, SystemClock},
    store::sql::Options,
};
use chat_server::ChatService;
use clap::builder::{BoolishValueParser, RangedU64ValueParser};
use std::io::ErrorKind;
use tokio::net::TcpListener;

/// Longer texts could not be sent: a request body has this many bytes, and a code point may take four.
const TEXT_MAX_CEILING: u64 = limits::BODY_MAX as u64 / 5;

/// How the chat is served.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// The address to listen on; port 0 takes a free one. The log says `listening on http://ADDR` once requests are
    /// answered.
    #[arg(long, env = "CHAT_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8000", value_parser = address)]
    pub(super) listen: String,

    /// Serve Prometheus's metrics, and nothing else, on this address: `http://ADDR/metrics`, without TLS. Whoever reaches
    /// it learns how busy the server is [default: nowhere].
    #[arg(long, env = "CHAT_METRICS_LISTEN", value_name = "ADDR", value_parser = address)]
    pub(super) metrics_listen: Option<String>,

    /// Let anyone register an account.
    #[arg(long, env = "CHAT_OPEN_REGISTRATION", value_parser = BoolishValueParser::new())]
    pub(super) open_registration: bool,

    /// Fill an empty database with five users and two conversations, and print what to try.
    #[arg(long, env = "CHAT_DEMO", value_parser = BoolishValueParser::new())]
    pub(super) demo: bool,

    /// Longest text of a message, in code points.
    #[arg(long, env = "CHAT_TEXT_MAX", value_name = "N", default_value_t = limits::TEXT_MAX)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=TEXT_MAX_CEILING))]
    text_max: usize,

    /// Let log-ins fail, and users send requests, as often as they like. For measuring, and behind a server that
    /// has limits of its own.
    #[arg(long, env = "CHAT_NO_RATE_LIMITS", value_parser = BoolishValueParser::new())]
    pub(super) no_rate_limits: bool,

    /// How long a token may be unused before it is void: a number of s, m, h or d (seconds when left out), or never.
    /// For tokens made from now on; imported ones are never void.
    #[arg(long, env = "CHAT_TOKEN_TTL", value_name = "TIME", default_value = "90d")]
    token_ttl: Idle,

    /// Do not wait for the disk at every commit to SQLite: a third faster, but a power cut may cost the last
    /// messages.
    #[arg(long, env = "CHAT_NO_SYNC", value_parser = BoolishValueParser::new())]
    pub(super) no_sync: bool,

    /// Connections to Postgres at most.
    #[arg(long, env = "CHAT_POSTGRES_CONNECTIONS", value_name = "N", default_value_t = 16)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    postgres_connections: u32,

    #[command(flatten)]
    pub(super) connections: ConnectionArgs,
}

impl ServeArgs {
    /// How the database is opened.
    pub(super) fn database(&self) -> Options {
        Options {
            sync_every_commit: !self.no_sync,
            postgres_connections: self.postgres_connections,
            ..Options::default()
        }
    }
}

/// Serves until the process is told to stop.
pub(super) async fn run(common: &Common, args: &ServeArgs) -> Result<()> {
    let started = SystemClock.now();
    // In this order, so that a server which cannot run changes nothing: not even --demo fills anything.
    let tls = args.connections.tls()?;
    let _lock = common.database_url.file().map(ServerLock::take).transpose()?;
    let listener = bind(&args.listen, "--listen").await?;
    let address = listener.local_addr()?;
    let metrics_listener = match &args.metrics_listen {
        Some(address) => Some(bind(address, "--metrics-listen").await?),
        None => None,
    };

    let store = database::open_to_serve(&common.database_url, &args.database()).await?;
    let chat = Chat::builder(store).text_max(args.text_max).token_ttl(args.token_ttl.0).build();
    if args.demo {
        let told = demo::fill(&chat, address).await?;
        // Whether anybody reads it is no reason not to serve.
        output::line(&told).or_else(|error| if output::is_unread(&error) { Ok(()) } else { Err(error) })?;
    }

    let service = ChatService::builder(chat)
        .open_registration(args.open_registration)
        .rate_limits(!args.no_rate_limits)
        .health_checks(true);
    let service = args.connections.apply(service).build();
    // Until here a signal ends the process at once, which no database minds.
    let stopped = signals::stop().context("signals cannot be awaited")?;
    let limits = args.connections.limits();
    let scheme = if tls.is_some() { "https" } else { "http" };
    tracing::info!(database = %common.database_url, "listening on {scheme}://{address}");
    if let Some(listener) = metrics_listener {
        tracing::info!("metrics at http://{}/metrics", listener.local_addr()?);
        tokio::spawn(metrics::serve(listener, service.clone(), started));
    }
    match tls {
        Some(tls) => {
            reload_at_hangup(tls.clone()).context("signals cannot be awaited")?;
            chat_server::serve_tls(listener, service, limits, tls, stopped).await;
        }
        None => chat_server::serve(listener, service, limits, stopped).await,
    }
    tracing::info!("stopped");
    Ok(())
}

async fn bind(address: &str, option: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse => "stop what listens there, or name another address with",
            _ => "name another address with",
        };
        anyhow!("cannot listen on {address}: {error}; {hint} {option}")
    })
}

/// Passes on what looks like HOST:PORT. Names are looked up when it is used.
fn address(text: &str) -> Result<String, String> {
    let port =
        text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err("give HOST:PORT, such as 127.0.0.1:8000 or [::]:8000".to_owned()),
    }
}
