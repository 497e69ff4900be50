//! Environment variables: empty ones, and errors that name them.

use crate::support::{RunOutput, TOKEN, TestEnv, mock, run, user};
use wiremock::MockServer;

fn whoami(variables: &[(&str, &str)]) -> RunOutput {
    run(TestEnv::new().command().arg("whoami").envs(variables.iter().copied()), "")
}

#[tokio::test]
async fn an_empty_variable_is_not_set() {
    let server = MockServer::start().await;
    mock(&server, "GET", "/users/me/", 200, &user(2, "ann")).await;
    let url = server.uri();
    let shown = whoami(&[("CHAT_SERVER_URL", &url), ("CHAT_TOKEN", TOKEN), ("CHAT_PROFILE", "")]).ok();
    assert!(shown.contains("ann"), "{shown}");
    let stderr = whoami(&[("CHAT_SERVER_URL", ""), ("CHAT_TOKEN", ""), ("CHAT_PROFILE", "")]).failed(4);
    assert!(stderr.contains("not signed in to http://127.0.0.1:8000"), "{stderr}");
}

#[test]
fn the_error_of_a_variable_names_the_variable() {
    for (name, value) in [("CHAT_SERVER_URL", "nowhere"), ("CHAT_PROFILE", "a/b"), ("CHAT_TOKEN", "a\nb")] {
        let stderr = whoami(&[(name, value)]).failed(2);
        assert!(stderr.contains(name), "{name}: {stderr}");
    }
}

#[test]
fn a_carriage_return_at_the_end_of_a_variable_is_refused() {
    for (name, value) in
        [("CHAT_SERVER_URL", "http://127.0.0.1:1\r"), ("CHAT_PROFILE", "work\r"), ("CHAT_TOKEN", "abc\r")]
    {
        let stderr = whoami(&[(name, value)]).failed(2);
        assert!(stderr.contains(&format!("{name} ends with a carriage return")), "{name}: {stderr}");
    }
}
