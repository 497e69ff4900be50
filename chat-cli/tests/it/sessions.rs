//! Signing in and out, the session file, and where its token is sent.

use crate::support::{RunOutput, TOKEN, TestEnv, mock, requests, run, user};
use serde_json::{Value, json};
use std::path::PathBuf;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, header},
};

async fn chat_server() -> MockServer {
    let server = MockServer::start().await;
    mock(&server, "POST", "/token/", 200, &json!({"token": TOKEN})).await;
    mock(&server, "POST", "/users/", 201, &user(2, "ann")).await;
    let me = ResponseTemplate::new(200).set_body_json(user(2, "ann"));
    Mock::given(wiremock::matchers::path("/chat-api/users/me/"))
        .and(header("authorization", format!("Token {TOKEN}")))
        .respond_with(me)
        .mount(&server)
        .await;
    server
}

impl TestEnv {
    fn login(&self, server: &MockServer, more: &[&str]) -> RunOutput {
        let mut command = self.command();
        command.args(["login", "ann", "--password-stdin", "--server", &server.uri()]).args(more);
        run(&mut command, " pass word \nnot read\n")
    }

    fn session(&self, profile: &str) -> PathBuf {
        self.config.path().join("chat-cli").join(format!("{profile}.toml"))
    }
}

#[tokio::test]
async fn login_saves_a_session_that_only_its_owner_can_read() {
    let (server, ann) = (chat_server().await, TestEnv::new());
    let output = ann.login(&server, &[]);
    assert!(!format!("{output:?}").contains(TOKEN));
    assert!(output.ok().contains("ann"));
    let sent: Value = serde_json::from_str(&requests(&server).await[0].2).unwrap();
    assert_eq!(sent, json!({"username": "ann", "password": " pass word ", "name": "chat-cli"}));

    let file = ann.session("default");
    assert!(std::fs::read_to_string(&file).unwrap().contains(TOKEN));
    #[cfg(unix)]
    for (path, expected) in [(file.as_path(), 0o600), (file.parent().unwrap(), 0o700)] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, expected);
    }
    assert_eq!(ann.run(["whoami", "--json"]).json(), user(2, "ann"));
}

#[tokio::test]
async fn the_token_of_a_session_is_sent_only_to_its_server() {
    let (home, ann) = (chat_server().await, TestEnv::new());
    ann.login(&home, &[]).ok();
    let other_server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&other_server).await;
    ann.run(["whoami", "--server", &other_server.uri()]).failed(4);
    assert!(requests(&other_server).await.is_empty());
    // Another spelling of the URL is the same server.
    ann.run(["whoami", "--server", &format!("{}/", home.uri())]).ok();
}

#[tokio::test]
async fn options_override_variables_and_these_the_session() {
    let (server, ann) = (chat_server().await, TestEnv::new());
    ann.login(&server, &[]).ok();
    let token_of = |env: Option<&str>, flag: Option<&str>| {
        let mut command = ann.command();
        command.arg("whoami").envs(env.map(|token| ("CHAT_TOKEN", token)));
        command.args(flag.into_iter().flat_map(|token| ["--token", token]));
        run(&mut command, "")
    };
    token_of(None, None).ok();
    // The server accepts neither token.
    token_of(Some("env"), None).failed(1);
    token_of(Some("env"), Some("flag")).failed(1);
    let received = server.received_requests().await.unwrap();
    let sent: Vec<_> =
        received.iter().rev().take(3).map(|request| &request.headers["authorization"]).collect();
    assert_eq!(sent, ["Token flag", "Token env", &format!("Token {TOKEN}")]);

    let other_server = MockServer::start().await;
    let mut command = ann.command();
    command.env("CHAT_SERVER_URL", other_server.uri()).args(["whoami", "--server", &server.uri()]);
    run(&mut command, "").ok();
    assert!(requests(&other_server).await.is_empty());
}

#[tokio::test]
async fn profiles_are_independent() {
    let (server, ann) = (chat_server().await, TestEnv::new());
    ann.login(&server, &["--profile", "work"]).ok();
    ann.run(["whoami", "--server", &server.uri()]).failed(4);
    ann.run(["whoami", "--profile", "work"]).ok();
    run(ann.command().env("CHAT_PROFILE", "work").arg("whoami"), "").ok();
}

#[tokio::test]
async fn a_wrong_password_saves_nothing() {
    let (server, ann) = (MockServer::start().await, TestEnv::new());
    let wrong = json!({"non_field_errors": ["Unable to log in with provided credentials."]});
    mock(&server, "POST", "/token/", 400, &wrong).await;
    let output = ann.login(&server, &[]);
    assert_eq!(output.status, 5);
    assert!(output.stderr.contains("Unable to log in"));
    assert!(!format!("{output:?}").contains("pass word"));
    assert!(!ann.session("default").exists());
}

#[tokio::test]
async fn logout_revokes_the_token() {
    let (server, ann) = (chat_server().await, TestEnv::new());
    mock(&server, "DELETE", "/token/", 204, &Value::Null).await;
    ann.login(&server, &[]).ok();
    ann.run(["logout"]).ok();
    assert_eq!(requests(&server).await.last().unwrap().0, "DELETE");
    assert!(!ann.session("default").exists());
    ann.run(["logout", "--server", &server.uri()]).failed(4);
}

#[tokio::test]
async fn logout_deletes_the_session_unless_revoking_its_token_fails() {
    for (response_status, status, kept) in [(401, 0, false), (500, 1, true)] {
        let (server, ann) = (chat_server().await, TestEnv::new());
        mock(&server, "DELETE", "/token/", response_status, &json!({"detail": "Because."})).await;
        ann.login(&server, &[]).ok();
        assert_eq!(ann.run(["logout"]).status, status);
        assert_eq!(ann.session("default").exists(), kept);
        ann.run(["logout", "--local"]).ok();
        assert!(!ann.session("default").exists());
    }
}

#[tokio::test]
async fn register_signs_in_only_with_the_option() {
    let (server, ann) = (chat_server().await, TestEnv::new());
    let register = |more: &[&str]| {
        let mut command = ann.command();
        command.args(["register", "ann", "--password-stdin", "--json", "--server", &server.uri()]).args(more);
        run(&mut command, "correct horse\n").json()
    };
    assert_eq!(register(&[]), user(2, "ann"));
    assert!(!ann.session("default").exists());
    assert_eq!(register(&["--login"]), user(2, "ann"));
    assert!(ann.session("default").exists());
}

#[tokio::test]
async fn a_missing_password_is_a_usage_error() {
    let (server, ann) = (chat_server().await, TestEnv::new());
    ann.run(["login", "ann", "--password-stdin", "--server", &server.uri()]).failed(2);
    assert!(requests(&server).await.is_empty());
}

#[test]
fn a_damaged_session_file_is_named_and_not_quoted() {
    let ann = TestEnv::new();
    std::fs::create_dir(ann.config.path().join("chat-cli")).unwrap();
    std::fs::write(ann.session("default"), format!("token = {TOKEN}")).unwrap();
    let stderr = ann.run(["whoami"]).failed(1);
    assert!(stderr.contains("default.toml") && !stderr.contains(TOKEN), "{stderr}");

    let session = format!("server = \"http://127.0.0.1:8000\"\ntoken = \"{TOKEN}\\n\"");
    std::fs::write(ann.session("default"), session).unwrap();
    let stderr = ann.run(["whoami"]).failed(2);
    assert!(stderr.contains("given by the session") && !stderr.contains(TOKEN), "{stderr}");
    assert!(stderr.contains("hint: run chat-cli login NAME"), "{stderr}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_endless_session_file_is_refused() {
    let ann = TestEnv::new();
    std::fs::create_dir(ann.config.path().join("chat-cli")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", ann.session("default")).unwrap();
    let stderr = ann.run(["whoami"]).failed(1);
    assert!(stderr.contains("not a session file"), "{stderr}");
}

#[tokio::test]
async fn with_server_and_token_given_no_session_is_read() {
    let (server, ann) = (chat_server().await, TestEnv::new());
    std::fs::create_dir(ann.config.path().join("chat-cli")).unwrap();
    std::fs::write(ann.session("default"), "no session").unwrap();
    ann.run_at(&server, ["whoami"]).ok();
    let mut command = ann.command();
    command.env("XDG_CONFIG_HOME", "/dev/null").args(["whoami", "--server", &server.uri()]);
    run(&mut command, "").failed(4);
}

#[tokio::test]
async fn the_password_command_reads_two_lines() {
    let (server, ann) = (chat_server().await, TestEnv::new());
    mock(&server, "POST", "/users/me/password/", 204, &Value::Null).await;
    let output = ann.run_at_with_input(&server, ["password", "--password-stdin"], "old one\nnew one\n");
    assert!(!format!("{output:?}").contains("one"));
    output.ok();
    let sent: Value = serde_json::from_str(&requests(&server).await[0].2).unwrap();
    assert_eq!(sent, json!({"current": "old one", "new": "new one"}));

    let output = ann.run_at_with_input(&server, ["password", "--password-stdin"], "old one\n");
    assert_eq!(
        (output.status, requests(&server).await.len()),
        (2, 1),
        "one password without the other is not sent"
    );
    run(ann.command().args(["password", "--password-stdin"]), "a\nb\n").failed(4);
}
