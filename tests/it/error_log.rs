//! The log of requests that the server could not serve.
//!
//! Each line has the request's id, its route and every cause.

use chat_core::{Chat, api::UserId};
use chat_server::{AuthError, Authenticator, ChatService};
use chat_tests::{Database, Fault};
use http::{Request, header, request::Parts};
use http_body_util::Empty;
use hyper::body::Bytes;
use serde_json::Value;
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tracing_subscriber::fmt::MakeWriter;

const ANN: UserId = UserId::new(2);

/// The lines that were logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn all(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns the one line of this level.
    fn only(&self, level: &str) -> Value {
        let lines = self.all();
        let mut of_level = lines.iter().filter(|line| line["level"] == level);
        let line = of_level.next().unwrap_or_else(|| panic!("no line of level {level}: {lines:?}"));
        assert!(of_level.next().is_none(), "more than one line of level {level}: {lines:?}");
        line.clone()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Sends a request with the id `traced-1`, and returns the status and the log.
async fn served_by(service: &ChatService, token: &str) -> (u16, Lines) {
    let request = Request::get("/chat-api/users/2/")
        .header(header::AUTHORIZATION, format!("Token {token}"))
        .header("x-request-id", "traced-1")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(lines.clone()).finish();
    // Only for this thread, on which the whole test runs.
    let _guard = tracing::subscriber::set_default(subscriber);
    (service.respond(request).await.status().as_u16(), lines)
}

/// Serves a request whose look-up has this fault.
///
/// Returns the status and the log.
async fn served_with(fault: Fault) -> (u16, Lines) {
    let database = Database::sqlite();
    let (store, faults) = database.faulty_store().await;
    let chat = Chat::new(store);
    chat.ensure_user(ANN, "ann").await.unwrap();
    let token = chat.issue_token(ANN).await.unwrap();
    faults.plan_for("account", fault);
    let served = served_by(&ChatService::builder(chat.clone()).build(), token.expose()).await;
    chat.close().await;
    served
}

/// A host's authenticator that does not return a result.
#[derive(Debug)]
enum NoResult {
    Panics,
    Waits,
    Fails,
}

#[async_trait::async_trait]
impl Authenticator for NoResult {
    async fn authenticate(&self, _: &Parts) -> Result<UserId, AuthError> {
        match self {
            Self::Panics => panic!("session table poisoned"),
            Self::Waits => std::future::pending().await,
            Self::Fails => Err(AuthError::unavailable(io::Error::other("the session table is locked"))),
        }
    }
}

async fn served_after(authenticator: NoResult) -> (u16, Lines) {
    let chat = Chat::open("sqlite::memory:").await.unwrap();
    let limit = Duration::from_millis(1);
    served_by(&ChatService::builder(chat).authenticator(authenticator).request_timeout(limit).build(), "-")
        .await
}

#[tokio::test]
async fn a_503_is_a_warning_with_the_id_the_route_and_the_cause_of_the_driver() {
    let (status, lines) = served_with(Fault::Unavailable).await;
    assert_eq!(status, 503);
    let line = lines.only("WARN");
    let fields = &line["fields"];
    assert_eq!(fields["request_id"], "traced-1");
    assert_eq!(fields["route"], "/users/{id}/");
    assert_eq!(fields["status"], 503);
    // The driver's error is the last one in the chain. Its text appears once.
    let driver = io::Error::from(io::ErrorKind::ConnectionReset).to_string();
    let error = fields["error"].as_str().unwrap();
    assert!(error.ends_with(&format!(": {driver}")), "{error}");
    assert_eq!(error.matches(&driver).count(), 1, "{error}");
}

#[tokio::test]
async fn a_500_is_an_error_with_the_id_the_route_and_the_cause_of_the_driver() {
    let (status, lines) = served_with(Fault::Broken).await;
    assert_eq!(status, 500);
    let line = lines.only("ERROR");
    let fields = &line["fields"];
    assert_eq!(fields["request_id"], "traced-1");
    assert_eq!(fields["route"], "/users/{id}/");
    assert_eq!(fields["status"], 500);
    let error = fields["error"].as_str().unwrap();
    assert!(error.ends_with(": malformed row"), "{error}");
    assert_eq!(error.matches("malformed row").count(), 1, "{error}");
}

#[tokio::test]
async fn a_request_that_is_served_logs_no_warning_or_error() {
    let (status, lines) = served_with(Fault::None).await;
    assert_eq!(status, 200);
    let lines = lines.all();
    let levels: Vec<_> = lines.iter().map(|line| line["level"].as_str().unwrap()).collect();
    assert!(!levels.contains(&"WARN") && !levels.contains(&"ERROR"), "{lines:?}");
    // The line of the access log proves that the test receives the log of the service.
    let access = lines.iter().find(|line| line["target"] == "chat_server::access").unwrap();
    assert_eq!(access["fields"]["request_id"], "traced-1");
}

#[tokio::test]
async fn a_503_of_the_hosts_authenticator_is_a_warning_with_the_error_of_the_host() {
    let (status, lines) = served_after(NoResult::Fails).await;
    let fields = &lines.only("WARN")["fields"];
    assert_eq!((status, &fields["request_id"]), (503, &"traced-1".into()));
    let error = fields["error"].as_str().unwrap();
    assert!(error.ends_with(": the session table is locked"), "{error}");
}

#[tokio::test]
async fn a_panic_is_an_error_with_the_id_the_route_and_its_text() {
    let (status, lines) = served_after(NoResult::Panics).await;
    let line = lines.only("ERROR");
    assert_eq!((status, &line["fields"]["request_id"]), (500, &"traced-1".into()));
    assert_eq!(line["fields"]["route"], "/users/{id}/");
    assert_eq!(line["fields"]["error"], "the handler panicked: session table poisoned");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_a_warning_with_the_id_the_route_and_the_limit() {
    let (status, lines) = served_after(NoResult::Waits).await;
    let line = lines.only("WARN");
    assert_eq!((status, &line["fields"]["request_id"]), (503, &"traced-1".into()));
    assert_eq!(line["fields"]["route"], "/users/{id}/");
    assert_eq!(line["fields"]["error"], "no result within 1ms");
}
