//! The chat API over HTTP, on hyper: a service to mount in a server of your own, and [`serve`] for a server by itself.
//!
//! It holds no rule of who may do what; those are chat-core's. What it knows is HTTP: routes, credentials, the
//! reading of bodies, pages, and which status says what.
//!
//! ```
//! use bytes::Bytes;
//! use chat_core::{Chat, store::Store};
//! use chat_server::ChatService;
//! use http_body_util::Empty;
//! use std::sync::Arc;
//!
//! # async fn example(store: Arc<dyn Store>) -> Result<(), Box<dyn std::error::Error>> {
//! let service = ChatService::builder(Chat::new(store)).base_path("/chat-api").build();
//!
//! // It is hyper's and tower's `Service` for requests with any body; no socket is needed to call it.
//! let request = http::Request::get("/chat-api/").body(Empty::<Bytes>::new())?;
//! let response = service.respond(request).await;
//! assert_eq!(response.status(), 200);
//! # Ok(())
//! # }
//! ```

mod address;
mod app;
mod builder;
mod call;
mod cors;
mod handlers;
mod health;
mod http;
mod input;
mod metrics;
mod openapi;
mod pipeline;
mod router;
mod routes;
mod serve;
mod service;
mod throttle;
mod within;

pub use self::{
    builder::ChatServiceBuilder,
    cors::{Origin, ParseOriginError},
    http::{
        authenticate::{AuthError, Authenticator},
        request::Connection,
        response::{Body, BodyError},
    },
    metrics::METRICS_CONTENT_TYPE,
    openapi::document as openapi,
    serve::{Limits, serve},
    service::ChatService,
};
#[cfg(feature = "tls")]
pub use serve::{Tls, TlsError, serve_tls};
