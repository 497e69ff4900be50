//! The chat API over HTTP, on hyper: a service to mount in a host server, and a server of its own.
//!
//! [`ChatService`] serves the endpoints of [`chat_core::api::endpoints`]: it authenticates callers, reads requests in
//! the forms that clients send, and writes responses, pages and errors. [`Server`] accepts connections for it.
//!
//! It is not the chat. The rules of who may do what are in [`chat_core::policy`], and everything is stored by
//! [`chat_core::Chat`]. It is not a web framework either: it routes its own paths alone, below one base path.
//!
//! # Mounting
//!
//! The default feature `bin` is for the program `chat-server`, with its command line and both databases. A host server
//! leaves it out and chooses the database:
//!
//! ```toml
//! [dependencies]
//! chat-core = { version = "0.1", default-features = false, features = ["sqlite"] }
//! chat-server = { version = "0.1", default-features = false }
//! ```
//!
//! [`ChatService`] is hyper's and tower's `Service`, for requests with any body. It needs no socket:
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! use bytes::Bytes;
//! use chat_core::Chat;
//! use chat_server::ChatService;
//! use http_body_util::{BodyExt, Empty};
//!
//! let chat = Chat::open("sqlite::memory:").await?;
//! let service = ChatService::builder(chat).base_path("/chat-api").build();
//! assert!(service.handles("/chat-api/threads/"));
//!
//! let request = http::Request::get("/chat-api/threads/").body(Empty::<Bytes>::new())?;
//! let response = service.respond(request).await;
//! assert_eq!(response.status(), 401);
//! let body = response.into_body().collect().await?.to_bytes();
//! assert_eq!(body, r#"{"detail":"Authentication credentials were not provided."}"#);
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```
//!
//! [`Connection`] tells the service the address of a client, [`Authenticator`] replaces its tokens by the host's own
//! credentials, and [`ChatService::builder`] has the other settings.
//!
//! # Features
//!
//! `bin`, on by default, is what only the program needs. `tls`, part of it, serves TLS and HTTP/2.

mod app;
mod builder;
mod call;
mod handlers;
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

pub use self::{
    builder::ChatServiceBuilder,
    http::{
        authenticate::{AuthError, Authenticator},
        cors::{Origin, ParseOriginError},
        request::Connection,
        response::{Body, BodyError},
    },
    metrics::METRICS_CONTENT_TYPE,
    openapi::document as openapi,
    serve::{Server, ServerLimits},
    service::ChatService,
};
#[cfg(feature = "tls")]
pub use serve::{Tls, TlsError};
