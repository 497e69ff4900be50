//! The metrics for Prometheus, on a separate port.
//!
//! Clients of the chat need no access to that port.

use super::{certificate, log_queue::LogQueue, process};
use anyhow::Result;
use bytes::Bytes;
use chat_core::{api::Timestamp, error_chain};
use chat_server::{ChatService, Exposition, METRICS_CONTENT_TYPE, Tls};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};

/// The path of the metrics.
const PATH: &str = "/metrics";
/// Open connections at a time: several scrapers, and an administrator.
const MAX_CONNECTIONS: usize = 16;
/// How long the head of a request may take, including the wait for it.
///
/// It is longer than the usual interval between two scrapes.
const HEADER_TIMEOUT: Duration = Duration::from_secs(90);
/// How long a connection may last.
const MAX_LIFETIME: Duration = Duration::from_secs(600);
/// How long to wait after a failed `accept`.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// The sources of the metrics.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) service: ChatService,
    pub(super) tls: Option<Tls>,
    pub(super) log: LogQueue,
    /// When the process was started.
    pub(super) started: Timestamp,
}

/// Serves `GET /metrics` on this listener, without TLS, until the process ends.
pub(super) async fn serve(listener: TcpListener, sources: Sources) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(slot) = slots.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let sources = sources.clone();
                tokio::spawn(async move {
                    // An error affects only this connection. The scraper retries.
                    let _ = timeout(MAX_LIFETIME, serve_connection(stream, sources)).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::debug!(error = %error_chain(&error), "accept failed on the metrics listener; trying again");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, sources: Sources) -> Result<(), hyper::Error> {
    let service = service_fn(move |request: Request<_>| {
        let response = respond(&sources, &request);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut http1 = http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    http1.serve_connection(TokioIo::new(stream), service).await
}

fn respond<B>(sources: &Sources, request: &Request<B>) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, format!("Not found. The metrics are at {PATH}.\n"));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, String::new());
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let mut text = Exposition::from(sources.service.metrics());
    process::metrics(sources.started, &mut text);
    sources.log.metrics(&mut text);
    if let Some(tls) = &sources.tls {
        certificate::metrics(tls, &mut text);
    }
    plain(StatusCode::OK, text.into_text())
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(METRICS_CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
