//! `chat-server serve`.

use super::{
    certificate,
    common::Common,
    connections::{self, ConnectionArgs},
    database, demo,
    failure::{Usage, hinted},
    log_queue::LogQueue,
    metrics, output, path_checks,
    signals::{self, Hangup, StopHandler},
    token_ttl::TokenTtl,
};
use anyhow::{Context, Error, Result};
use chat_core::{
    Chat,
    api::limits,
    clock::{Clock as _, SystemClock},
    error_chain,
    store::{
        Store,
        sql::{Address, Mode, Options, ServerLock},
    },
};
use chat_server::{ChatService, Server, Tls};
use clap::builder::{BoolishValueParser, RangedU64ValueParser};
use std::{
    io::{self, ErrorKind, IsTerminal},
    net::SocketAddr,
    sync::Arc,
};
use tokio::net::{TcpListener, TcpSocket, lookup_host};

/// The largest value of `--text-max`, in code points.
///
/// A longer text may not fit into a request body: a code point may take four bytes, and a fifth of the body is reserved
/// for the other fields.
const MAX_TEXT_MAX: u64 = limits::BODY_MAX as u64 / 5;

/// The largest number of established connections that wait for the server to accept them.
///
/// Linux lowers it to `net.core.somaxconn`, which is 4096 by default.
const BACKLOG: u32 = 4096;

/// The options of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArgs {
    /// Address to listen on; port 0 takes a free one.
    ///
    /// The log says `listening on http://ADDR` when the server is ready.
    #[arg(long, env = "CHAT_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8000", value_parser = address)]
    pub(super) listen: String,

    /// Address to serve metrics for Prometheus on, at `http://ADDR/metrics`, without TLS.
    ///
    /// They show how busy the server is to every client that can reach the address [default: none].
    #[arg(long, env = "CHAT_METRICS_LISTEN", value_name = "ADDR", value_parser = address)]
    pub(super) metrics_listen: Option<String>,

    /// Allow everyone to register an account.
    #[arg(long, env = "CHAT_OPEN_REGISTRATION", value_parser = BoolishValueParser::new())]
    pub(super) open_registration: bool,

    /// Fill an empty database with five users and two conversations, and print requests to try.
    #[arg(long, env = "CHAT_DEMO", value_parser = BoolishValueParser::new())]
    pub(super) demo: bool,

    /// Maximum length of a message, in code points.
    #[arg(long, env = "CHAT_TEXT_MAX", value_name = "N", default_value_t = limits::TEXT_MAX)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_TEXT_MAX))]
    text_max: usize,

    /// Do not limit failed log-ins, registrations and requests.
    ///
    /// For benchmarks, and behind a proxy that has rate limits.
    #[arg(long, env = "CHAT_NO_RATE_LIMITS", value_parser = BoolishValueParser::new())]
    pub(super) no_rate_limits: bool,

    /// How long a token may be unused before it expires: a number with the unit s, m, h or d (default s), or never.
    ///
    /// Applies to tokens issued from now on; imported ones never expire.
    #[arg(long, env = "CHAT_TOKEN_TTL", value_name = "TIME", default_value = "90d")]
    token_ttl: TokenTtl,

    /// Do not sync every SQLite commit to the disk: faster, but a power failure may lose the last messages.
    #[arg(long, env = "CHAT_NO_SYNC", value_parser = BoolishValueParser::new())]
    pub(super) no_sync: bool,

    /// Maximum number of connections to Postgres.
    #[arg(long, env = "CHAT_POSTGRES_CONNECTIONS", value_name = "N", default_value_t = Options::default().postgres_connections)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=262_143))]
    postgres_connections: u32,

    #[command(flatten)]
    pub(super) connections: ConnectionArgs,
}

impl ServeArgs {
    /// Returns the options for opening the database.
    ///
    /// They include those that all commands have.
    pub(super) fn database(&self, common: &Common) -> Options {
        common.database().sync_every_commit(!self.no_sync).postgres_connections(self.postgres_connections)
    }
}

/// Serves until SIGTERM, SIGINT or SIGQUIT.
///
/// SIGHUP stops the server only in the case that [`handle_hangup`] describes.
pub(super) async fn run(common: &Common, args: &ServeArgs, log: &LogQueue) -> Result<()> {
    let started = SystemClock.now();
    // The steps are in this order, so that a server that cannot start changes nothing. For example, --demo then does
    // not fill the database.
    let tls = args.connections.tls()?;
    if let Some(tls) = &tls {
        certificate::log(tls, started);
    }
    let stop = handle_hangup(tls.as_ref())
        .and_then(|hangup| StopHandler::new(hangup, log))
        .context("cannot install a signal handler")?;
    let database = lock(common, args.database(common)).await?;
    let listener = bind(&args.listen, "--listen or CHAT_LISTEN").await?;
    let address = listener.local_addr()?;
    let metrics_listener = match &args.metrics_listen {
        Some(address) => Some(bind(address, "--metrics-listen or CHAT_METRICS_LISTEN").await?),
        None => None,
    };

    let store = database::open_to_serve(&common.database_url, &database).await?;
    // From here on, the store alone holds the lock.
    drop(database);
    let service = service(store, address, args).await?;
    let stop = stop.started();
    let scheme = if tls.is_some() { "https" } else { "http" };
    tracing::info!(database = %common.database_url, "listening on {scheme}://{address}");
    for finding in common.database_url.file().map(path_checks::examine).unwrap_or_default() {
        tracing::warn!("{}; {}", finding.text, finding.advice.unwrap_or_default());
    }
    if let Some(listener) = metrics_listener {
        tracing::info!("metrics at http://{}/metrics", listener.local_addr()?);
        let sources =
            metrics::Sources { service: service.clone(), tls: tls.clone(), log: log.clone(), started };
        tokio::spawn(metrics::serve(listener, sources));
    }
    let mut server = Server::new(service).limits(args.connections.limits());
    if let Some(tls) = tls {
        tokio::spawn(certificate::watch(tls.clone()));
        server = server.tls(tls);
    }
    server.serve(listener, stop).await;
    tracing::info!("stopped");
    Ok(())
}

/// Decides the effect of SIGHUP, and installs a handler for it.
///
/// - With TLS, SIGHUP reloads the certificate.
/// - Without TLS, if the log goes to a terminal, SIGHUP stops the server: the system sends it when the terminal is
///   closed. The caller then installs the handler.
/// - Without TLS and without a terminal, SIGHUP is logged and ignored. It is then a request to reload, but there is
///   nothing to reload.
fn handle_hangup(tls: Option<&Tls>) -> Result<Hangup> {
    match tls.cloned() {
        Some(tls) => signals::at_hangup(move || connections::reload(&tls))?,
        None if io::stderr().is_terminal() => return Ok(Hangup::Stops),
        None => signals::at_hangup(|| {
            tracing::info!(
                "SIGHUP: ignored, because there is no certificate to reload; SIGTERM stops the server"
            );
        })?,
    }
    Ok(Hangup::DoesNotStop)
}

/// Adds the lock of an SQLite file to the options.
async fn lock(common: &Common, options: Options) -> Result<Options> {
    Ok(match common.database_url.parse()? {
        Address::File(_, Mode::ReadOnly) => {
            let refusal = Usage("serve writes to the database, but its address has mode=ro".to_owned());
            return Err(hinted(refusal, "leave out mode=ro"));
        }
        Address::File(path, _) => options.server_lock(ServerLock::take(path).await?),
        _ => options,
    })
}

/// Builds the service, and fills the database with `--demo`.
async fn service(store: Arc<dyn Store>, address: SocketAddr, args: &ServeArgs) -> Result<ChatService> {
    let chat = Chat::builder(store).text_max(args.text_max).token_ttl(args.token_ttl.0).build();
    if args.demo {
        let result = demo::fill(&chat, address).await?;
        // The server also runs if standard output is closed or its disk is full.
        if let Err(error) = output::line(&result) {
            tracing::warn!(error = %error_chain(&*error), "cannot print the requests to try");
        }
    }
    let service = ChatService::builder(chat)
        .open_registration(args.open_registration)
        .rate_limits(!args.no_rate_limits)
        .health_checks(true);
    Ok(args.connections.apply(service).build())
}

async fn bind(address: &str, option: &str) -> Result<TcpListener> {
    listen(address).await.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse => {
                format!("stop the program that listens there, or name another address with {option}")
            }
            _ => format!("name another address with {option}"),
        };
        hinted(Error::from(error).context(format!("cannot listen on {address}")), hint)
    })
}

/// Listens on the first usable address of a name.
///
/// `TcpListener::bind` has a backlog of 128. When more clients connect while the server is busy, such as after a
/// restart, the system drops their requests, and each tries again after a second.
async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut failure = io::Error::new(ErrorKind::InvalidInput, "the name has no address");
    for address in lookup_host(address).await? {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let listener = socket.and_then(|socket| {
            // Otherwise a server could not listen again right after a restart.
            #[cfg(unix)]
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            socket.listen(BACKLOG)
        });
        match listener {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Accepts a value of the form HOST:PORT. The name is resolved later.
fn address(text: &str) -> Result<String, String> {
    let port =
        text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    match port {
        Some(Ok(_)) => Ok(text.to_owned()),
        _ => Err("give HOST:PORT, such as 127.0.0.1:8000 or [::]:8000".to_owned()),
    }
}
