//! The client: keep-alive connections, each with one request in flight.

use crate::{
    measurement::Measurement,
    request::{PlannedRequest, ResponseSizes},
    scenarios::{Plan, SentMessage},
};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use chat_core::api::IDEMPOTENCY_KEY;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, sync::Barrier, task::JoinSet};

/// The measurements of all connections to a server.
#[derive(Debug)]
pub(crate) struct LoadResult {
    pub(crate) measurement: Measurement,
    pub(crate) elapsed: Duration,
    /// The messages in the responses, if [`Target::collect_messages`] was set.
    pub(crate) sent: Vec<SentMessage>,
}

impl LoadResult {
    fn new() -> Result<Self> {
        Ok(Self { measurement: Measurement::new()?, elapsed: Duration::ZERO, sent: Vec::new() })
    }

    fn add(&mut self, other: Self) -> Result<()> {
        self.measurement.add(other.measurement)?;
        self.sent.extend(other.sent);
        Ok(())
    }

    /// Returns an error if a response had no success status.
    pub(crate) fn require_success(&self) -> Result<()> {
        match &self.measurement.failure {
            Some(failure) => bail!("a request failed: {failure}"),
            None => Ok(()),
        }
    }
}

/// The server to send requests to, and the options for its responses.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// For the ceiling: the sizes that its responses must have.
    pub(crate) sizes: Option<Arc<ResponseSizes>>,
    /// Whether to parse the responses as messages and keep them.
    pub(crate) collect_messages: bool,
}

impl Target {
    /// Returns a target that gets the requests as planned.
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address, sizes: None, collect_messages: false }
    }
}

/// Sends the requests of each plan on its own connection.
///
/// It ends when the time is over or all plans are finished.
pub(crate) async fn run(target: &Target, plans: Vec<Plan>, time: Duration) -> Result<LoadResult> {
    let ready = Arc::new(Barrier::new(plans.len() + 1));
    let mut connections = JoinSet::new();
    for plan in plans {
        connections.spawn(run_connection(target.clone(), plan, time, ready.clone()));
    }
    ready.wait().await;
    let began = Instant::now();
    let mut result = LoadResult::new()?;
    while let Some(connection) = connections.join_next().await {
        result.add(connection??)?;
    }
    result.elapsed = began.elapsed();
    Ok(result)
}

async fn run_connection(
    target: Target,
    mut plan: Plan,
    time: Duration,
    ready: Arc<Barrier>,
) -> Result<LoadResult> {
    let connected = connect(target.address).await;
    // A failed connection waits here too, before it returns its error. Otherwise the others would wait forever.
    ready.wait().await;
    let mut sender = connected?;
    let mut result = LoadResult::new()?;
    let end = Instant::now() + time;
    while let Some(planned) = plan.next() {
        let request = build(&planned, target.sizes.as_deref())?;
        let began = Instant::now();
        if began >= end {
            break;
        }
        let (status, body) = exchange(&mut sender, request).await?;
        result.measurement.record(began.elapsed());
        if !status.is_success() && result.measurement.failure.is_none() {
            let text = String::from_utf8_lossy(&body);
            result.measurement.failure =
                Some(format!("{} {}: {status} {text}", planned.method, planned.path));
        }
        if target.collect_messages {
            result.sent.push(serde_json::from_slice(&body).context("the response is not a message")?);
        }
    }
    Ok(result)
}

/// Opens a connection and completes the HTTP handshake.
pub(crate) async fn connect(address: SocketAddr) -> Result<http1::SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("cannot connect to the server")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // If the connection fails, the next request fails too, so the error of the connection is ignored.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

/// Sends a request and reads the whole response.
pub(crate) async fn exchange(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes)> {
    sender.ready().await?;
    let response: http::Response<Incoming> = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// Builds the HTTP request.
///
/// With `sizes`, the path is the number of bytes that the ceiling must send.
pub(crate) fn build(planned: &PlannedRequest, sizes: Option<&ResponseSizes>) -> Result<Request<Full<Bytes>>> {
    let mut request = Request::builder()
        .method(&planned.method)
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, format!("Token {}", planned.token));
    request = match sizes {
        Some(sizes) => request.uri(format!("/{}", sizes.of(planned.request_kind))),
        None => request.uri(format!("/chat-api{}", planned.path)),
    };
    if let Some(key) = &planned.idempotency_key {
        request = request.header(IDEMPOTENCY_KEY, key);
    }
    let body = match &planned.body {
        Some(body) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Full::from(body.clone())
        }
        None => Full::default(),
    };
    Ok(request.body(body)?)
}
