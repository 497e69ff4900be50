//! Telling Prometheus, on a port of its own: what a server counts is no business of its clients.

use super::process;
use anyhow::Result;
use bytes::Bytes;
use chat_core::api::Timestamp;
use chat_server::{ChatService, METRICS_CONTENT_TYPE};
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

/// Where they are told.
const PATH: &str = "/metrics";
/// Connections at a time: several who scrape, and somebody who looks.
const CONNECTIONS: usize = 16;
/// How long the head of a request may take, and a connection wait for the next one: longer than it usually is from one
/// scrape to the next.
const HEAD: Duration = Duration::from_secs(90);
/// How long a connection may last, whatever happens on it.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long to wait when the system cannot give another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `GET /metrics` on this listener, without TLS, for as long as the process lives.
pub(super) async fn serve(listener: TcpListener, service: ChatService, started: Timestamp) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(place) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = service.clone();
                tokio::spawn(async move {
                    // What becomes of one connection is of no interest: who scrapes will try again.
                    let _ = timeout(LIFETIME, converse(stream, service, started)).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "cannot accept connections to the metrics at the moment");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, service: ChatService, started: Timestamp) -> Result<(), hyper::Error> {
    let answering = service_fn(move |request: Request<_>| {
        let answer = answer(&service, started, request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut http1 = http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(HEAD);
    http1.serve_connection(TokioIo::new(stream), answering).await
}

fn answer<B>(service: &ChatService, started: Timestamp, request: Request<B>) -> Response<Full<Bytes>> {
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, format!("there is {PATH} here, and nothing else\n"));
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, String::new());
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let mut text = service.metrics();
    text.push_str(&process::metrics(started));
    plain(StatusCode::OK, text)
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(METRICS_CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}
