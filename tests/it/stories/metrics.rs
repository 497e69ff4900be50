//! The metrics of a server, as Prometheus reads them.

use chat_client::{Token, UserId};
use chat_server::ChatService;
use chat_tests::{Database, Program, on_both_databases, wait::in_time};
use http::{Request, StatusCode};
use http_body_util::Empty;
use std::collections::BTreeMap;
use tokio::{io::AsyncReadExt as _, net::TcpStream};

on_both_databases!(requests_and_store_calls_are_counted, lists_that_wait_are_counted_on_sqlite);

/// Returns the samples of a scrape, by name and labels.
///
/// # Panics
/// If the text is not in Prometheus's format.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let mut kinds = BTreeMap::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(kinds.insert(name, kind), None, "{name} is one family");
        } else if !line.starts_with("# HELP ") {
            let (key, value) = line.rsplit_once(' ').unwrap();
            let name = key.split('{').next().unwrap();
            let part_of_histogram = ["_bucket", "_sum", "_count"].iter().any(|suffix| {
                name.strip_suffix(suffix).is_some_and(|family| kinds.get(family) == Some(&"histogram"))
            });
            assert!(kinds.contains_key(name) || part_of_histogram, "{line}");
            assert_eq!(samples.insert(key, value.parse().unwrap()), None, "{key} is reported once");
        }
    }
    samples
}

struct Scraper {
    http: reqwest::Client,
    url: String,
}

impl Scraper {
    /// Returns a scraper of a server that was started with `--metrics-listen`.
    fn new(server: &Program) -> Self {
        let line = server.wait_for("metrics at http://");
        let (_, url) = line.split_once("metrics at ").unwrap();
        Self { http: reqwest::Client::builder().no_proxy().build().unwrap(), url: url.trim().to_owned() }
    }

    async fn get(&self, url: &str) -> reqwest::Response {
        self.http.get(url).send().await.unwrap()
    }

    async fn text(&self) -> String {
        let answer = self.get(&self.url).await;
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        answer.text().await.unwrap()
    }
}

async fn requests_and_store_calls_are_counted(database: Database) {
    let server = Program::serve(&database, &["--demo", "--metrics-listen", "127.0.0.1:0"]);
    let scraper = Scraper::new(&server);
    let user3 = server.client().sign_in("user3", "1234").await.unwrap();
    server.client().sign_in("user3", "wrong").await.unwrap_err();
    let thread = user3.open_thread(UserId::new(2)).await.unwrap().id;
    for n in 0..3 {
        user3.send(thread, format!("message {n}")).await.unwrap();
    }
    let unknown = Token::new("0123456789abcdef0123456789abcdef01234567");
    server.client().with_token(unknown).unwrap().me().await.unwrap_err();
    scraper.get(&format!("{}/healthz", server.url)).await;
    scraper.get(&format!("{}/nowhere/17", server.url)).await;

    let text = scraper.text().await;
    let found = samples(&text);
    for (sample, value) in [
        (r#"chat_http_requests_total{route="/token/",method="POST",status="200"}"#, 1.0),
        (r#"chat_http_requests_total{route="/token/",method="POST",status="400"}"#, 1.0),
        (r#"chat_http_requests_total{route="/messages/",method="POST",status="201"}"#, 3.0),
        (r#"chat_http_requests_total{route="/users/me/",method="GET",status="401"}"#, 1.0),
        (r#"chat_http_requests_total{route="/healthz",method="GET",status="200"}"#, 1.0),
        (r#"chat_http_requests_total{route="none",method="GET",status="404"}"#, 1.0),
        (r#"chat_http_request_duration_seconds_count{route="/messages/",method="POST"}"#, 3.0),
        (r#"chat_http_request_duration_seconds_bucket{route="/token/",method="POST",le="+Inf"}"#, 2.0),
        ("chat_http_requests_in_flight", 0.0),
        (r#"chat_log_ins_total{outcome="accepted"}"#, 1.0),
        (r#"chat_log_ins_total{outcome="wrong"}"#, 1.0),
        (r#"chat_throttled_total{kind="password"}"#, 0.0),
        ("chat_connections_refused_total", 0.0),
        (r#"chat_writes_waiting{write="messages"}"#, 0.0),
        (r#"chat_write_duration_seconds_count{write="messages"}"#, 3.0),
        (r#"chat_batch_writes_sum{write="messages"}"#, 3.0),
        ("chat_log_dropped_lines_total", 0.0),
    ] {
        assert_eq!(found.get(sample), Some(&value), "{sample}:\n{text}");
    }
    let cores = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16);
    let readers = 2.0 * cores as f64;
    let (pool, max) = if database.url.starts_with("sqlite:") { ("readers", readers) } else { ("all", 16.0) };
    assert_eq!(found[&*format!(r#"chat_database_connections_max{{pool="{pool}"}}"#)], max);
    let accepted = found["chat_connections_accepted_total"];
    assert!((1.0..=accepted).contains(&found["chat_connections"]), "{text}");
    // A Unix time after 2001 is more than a billion seconds. A server uses more than a megabyte of memory.
    assert!(
        found["process_start_time_seconds"] > 1e9 && found["process_resident_memory_bytes"] > 1e6,
        "{text}"
    );
    assert!(found["process_cpu_seconds_total"] > 0.0, "{text}");
    assert!((10.0..found["process_max_fds"]).contains(&found["process_open_fds"]), "{text}");
    for secret in [&*thread.to_string(), "user3", "nowhere"] {
        assert!(!text.contains(secret), "the metrics contain {secret}:\n{text}");
    }
    server.stop();
}

async fn lists_that_wait_are_counted_on_sqlite(database: Database) {
    let server =
        Program::serve(&database, &["--demo", "--no-rate-limits", "--metrics-listen", "127.0.0.1:0"]);
    let scraper = Scraper::new(&server);
    let user3 = server.client().sign_in("user3", "1234").await.unwrap();
    let thread = user3.open_thread(UserId::new(2)).await.unwrap().id;
    let names = [
        "chat_database_list_changes_waiting",
        "chat_database_lists_written_total",
        "chat_database_list_changes_bytes",
    ];
    let send = async |messages: usize| {
        for _ in 0..messages {
            user3.send(thread, "a message").await.unwrap();
        }
        let text = scraper.text().await;
        let found = samples(&text);
        names.map(|name| found.get(name).copied())
    };
    let (before, after) = (send(255).await, send(4).await);
    if database.url.starts_with("sqlite:") {
        // The lists of the thread and of both users are written when 256 changes wait for them.
        assert_eq!((before[0], before[1]), (Some(255.0), Some(0.0)));
        assert_eq!((after[0], after[1]), (Some(3.0), Some(3.0)));
        assert!(before[2] > Some(10_000.0), "{before:?}");
        assert!(after[2] > Some(100.0) && after[2] < before[2], "{after:?}");
    } else {
        assert_eq!((before, after), ([None; 3], [None; 3]));
    }
    server.stop();
}

#[tokio::test]
async fn metrics_and_api_are_served_on_their_own_ports_only() {
    let database = Database::sqlite();
    let server = Program::serve(&database, &["--metrics-listen", "127.0.0.1:0"]);
    let scraper = Scraper::new(&server);
    assert_eq!(scraper.get(&format!("{}/metrics", server.url)).await.status(), 404);
    let api = scraper.url.replace("/metrics", "/chat-api/");
    assert_eq!(scraper.get(&api).await.status(), 404);
    let posted = scraper.http.post(&scraper.url).send().await.unwrap();
    assert_eq!((posted.status().as_u16(), posted.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD"));
}

#[tokio::test]
async fn throttled_log_ins_and_displaced_connections_are_counted() {
    let database = Database::sqlite();
    let server = Program::serve(
        &database,
        &["--demo", "--metrics-listen", "127.0.0.1:0", "--max-connections-per-address", "1"],
    );
    let scraper = Scraper::new(&server);
    let body = r#"{"username":"user3","password":"wrong"}"#;
    let wrong = || async {
        let request = scraper.http.post(format!("{}/chat-api/token/", server.url)).body(body);
        request.header("content-type", "application/json").send().await.unwrap().status()
    };
    let refused = async {
        loop {
            match wrong().await {
                StatusCode::BAD_REQUEST => {}
                refused => break refused,
            }
        }
    };
    assert_eq!(in_time("a log-in is throttled", refused).await, StatusCode::TOO_MANY_REQUESTS);
    let (mut first, _second) = (silent(&server).await, silent(&server).await);
    // The first connection is closed to make room for the second.
    let _ = first.read(&mut [0]).await;
    let found = scraper.text().await;
    let found = samples(&found);
    assert_eq!(found[r#"chat_throttled_total{kind="password"}"#], 1.0);
    assert_eq!(found[r#"chat_log_ins_total{outcome="throttled"}"#], 1.0);
    assert!(found["chat_connections_displaced_total"] >= 1.0);
}

/// Opens a connection without sending anything.
async fn silent(server: &Program) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_host_application_can_read_the_metrics() {
    let database = Database::sqlite();
    let chat = database.chat().await;
    let service = ChatService::builder(chat.clone()).base_path("").build();
    service.respond(Request::get("/users/me").body(Empty::<&[u8]>::new()).unwrap()).await;
    let text = service.metrics();
    let found = samples(&text);
    assert_eq!(found[r#"chat_http_requests_total{route="/users/me/",method="GET",status="401"}"#], 1.0);
    assert!(!text.contains("process_"), "the process is the host's");
    assert!(chat.store().metrics().batches.iter().all(|batch| batch.sizes.count() == 0));
}
