//! The ceiling: hyper without a service behind it.
//!
//! The JSON of a POST is parsed, serialised again and sent back. The response to any other request is a slice of a
//! ready-made JSON number. Its length is in the path of the request.

use anyhow::Result;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::sync::LazyLock;
use tokio::net::TcpListener;

/// 1 MiB of digits. Any number of digits is a JSON document.
static DIGITS: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(vec![b'1'; 1 << 20]));

pub(super) async fn serve(listener: TcpListener) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(respond)));
    }
}

async fn respond(request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (status, body) = if request.method() == Method::POST {
        let body = request.into_body().collect().await?.to_bytes();
        let value: serde_json::Value = serde_json::from_slice(&body)?;
        (StatusCode::CREATED, Bytes::from(serde_json::to_vec(&value)?))
    } else {
        let length = request.uri().path().trim_start_matches('/').parse::<usize>()?;
        (StatusCode::OK, DIGITS.slice(..length.min(DIGITS.len())))
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
