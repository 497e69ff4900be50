//! The client: connections kept alive, each with one request under way, and what it sees of the answers.

use crate::scenarios::{Call, Plan, SentMessage, Sizes};
use anyhow::{Context, Result};
use bytes::Bytes;
use hdrhistogram::Histogram;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, sync::Barrier, task::JoinSet};

/// A request of a scenario.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) call: Call,
    pub(crate) method: Method,
    /// Below the base path.
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) body: Option<String>,
}

/// What the client saw.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    pub(crate) elapsed: Duration,
    /// In nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    /// The first answer that was no success.
    pub(crate) refusal: Option<String>,
    /// The messages in the answers, where they were asked for.
    pub(crate) sent: Vec<SentMessage>,
}

impl Seen {
    pub(crate) fn new() -> Result<Self> {
        let latencies = Histogram::new_with_bounds(1000, 60_000_000_000, 3)?;
        Ok(Self { requests: 0, elapsed: Duration::ZERO, latencies, refusal: None, sent: Vec::new() })
    }

    /// Adds what another connection, or another round, saw.
    pub(crate) fn add(&mut self, other: Self) -> Result<()> {
        self.requests += other.requests;
        self.latencies.add(other.latencies)?;
        self.refusal = self.refusal.take().or(other.refusal);
        self.sent.extend(other.sent);
        Ok(())
    }

    /// Microseconds below which this share of the answers came.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        self.latencies.value_at_quantile(share) as f64 / 1000.0
    }
}

/// How a server is driven.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// For the ceiling: how many bytes it is to answer.
    pub(crate) sizes: Option<Arc<Sizes>>,
    /// Whether to keep the messages in the answers.
    pub(crate) keep: bool,
}

/// Drives a server with one connection for each plan, until the time is over or the plans end.
pub(crate) async fn drive(target: &Target, plans: Vec<Plan>, time: Duration) -> Result<Seen> {
    let ready = Arc::new(Barrier::new(plans.len() + 1));
    let mut connections = JoinSet::new();
    for plan in plans {
        connections.spawn(connection(target.clone(), plan, time, ready.clone()));
    }
    ready.wait().await;
    let began = Instant::now();
    let mut seen = Seen::new()?;
    while let Some(connection) = connections.join_next().await {
        seen.add(connection??)?;
    }
    seen.elapsed = began.elapsed();
    Ok(seen)
}

async fn connection(target: Target, mut plan: Plan, time: Duration, ready: Arc<Barrier>) -> Result<Seen> {
    let opened = open(target.address).await;
    // Whoever cannot connect does not keep the others waiting.
    ready.wait().await;
    let mut sender = opened?;
    let mut seen = Seen::new()?;
    let end = Instant::now() + time;
    while let Some(asked) = plan.next() {
        let request = request(&asked, target.sizes.as_deref())?;
        let began = Instant::now();
        if began >= end {
            break;
        }
        let (status, body) = exchange(&mut sender, request).await?;
        seen.latencies.saturating_record(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        seen.requests += 1;
        if !status.is_success() && seen.refusal.is_none() {
            let text = String::from_utf8_lossy(&body);
            seen.refusal = Some(format!("{} {}: {status} {text}", asked.method, asked.path));
        }
        if target.keep {
            seen.sent.push(serde_json::from_slice(&body).context("an answer that is no message")?);
        }
    }
    Ok(seen)
}

/// A connection ready for requests.
pub(crate) async fn open(address: SocketAddr) -> Result<http1::SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("cannot connect to the server")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // How it ended is seen by whoever waits for an answer.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

/// Sends a request and takes the whole answer.
pub(crate) async fn exchange(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes)> {
    sender.ready().await?;
    let response: http::Response<Incoming> = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// The request as it is sent; to the ceiling it says how long the answer is to be.
pub(crate) fn request(asked: &Asked, sizes: Option<&Sizes>) -> Result<Request<Full<Bytes>>> {
    let mut request = Request::builder()
        .method(&asked.method)
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, format!("Token {}", asked.token));
    request = match sizes {
        Some(sizes) => request.uri(format!("/{}", sizes.of(asked.call))),
        None => request.uri(format!("/chat-api{}", asked.path)),
    };
    let body = match &asked.body {
        Some(body) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Full::from(body.clone())
        }
        None => Full::default(),
    };
    Ok(request.body(body)?)
}
