//! Serves the chat API over HTTP with hyper.
//!
//! The crate has a service to mount in a host server, and a complete server.
//!
//! [`ChatService`] serves the endpoints of [`chat_core::api::endpoints`]: it authenticates callers, reads requests in
//! the forms that clients send, and writes responses, pages and errors. [`Server`] accepts connections for it.
//!
//! The permission rules are not in this crate but in [`chat_core::policy`]. [`chat_core::Chat`] stores the data. The
//! crate is not a web framework: it routes only its own paths, below one base path.
//!
//! # Mounting
//!
//! The default feature `bin` is for the program `chat-server`: it adds the command line and both databases. A host
//! server disables the default features and selects its database:
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
//! - [`Connection`] passes the address of a client to the service.
//! - [`Authenticator`] replaces the tokens of the chat with the host's own credentials.
//! - [`ChatService::builder`] has the other settings.
//!
//! # Features
//!
//! - `bin` (default) adds what only the program needs. It includes `tls`.
//! - `tls` adds TLS and HTTP/2.

#![cfg_attr(docsrs, feature(doc_cfg))]

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
        ip_network::{IpNetwork, ParseIpNetworkError},
        public_url::{ParsePublicUrlError, PublicUrl},
        request::Connection,
        response::{Body, BodyError},
    },
    metrics::{Exposition, METRICS_CONTENT_TYPE, MetricKind},
    openapi::document as openapi,
    serve::{Server, ServerLimits},
    service::ChatService,
};
#[cfg(feature = "tls")]
pub use serve::{Tls, TlsError};
