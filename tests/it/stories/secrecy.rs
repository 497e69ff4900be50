//! Secrets are neither in the log at level `trace` nor in the list of processes.

use chat_tests::{Database, Program, on_both_databases, program};
use reqwest::{Method, header};

on_both_databases!(no_secret_is_logged_or_in_the_process_list);

const PASSWORD: &str = "ann-s3cret-password";
const NEW_PASSWORD: &str = "ann-s3cret-password-2";
const WRONG_PASSWORD: &str = "ann-s3cret-mistyped";
const TEXT: &str = "ann-s3cret-text";
const KEY: &str = "ann-s3cret-key";
const BAD_TOKEN: &str = "ann-s3cret-token";

async fn no_secret_is_logged_or_in_the_process_list(database: Database) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("address");
    // The tests' Postgres accepts connections with and without a password.
    let with_password = |url: &str| format!("{url}&password=ann-s3cret-database");
    let is_postgres = database.url.starts_with("postgres:") && database.url.contains('?');
    let url = if is_postgres { with_password(&database.url) } else { database.url.clone() };
    std::fs::write(&file, url).unwrap();

    let mut command = program::chat_server(&database, &["serve", "--listen", "127.0.0.1:0"]);
    command.args(["--open-registration", "--database-url-file"]).arg(&file).env_remove("CHAT_DATABASE_URL");
    let server = Program::started(&mut command);
    // All secrets of this test contain this text.
    server.forbid("s3cret");
    let arguments = std::fs::read_to_string(format!("/proc/{}/cmdline", server.id())).unwrap();
    assert!(arguments.contains("--database-url-file") && !arguments.contains("s3cret"), "{arguments}");

    let signed_out = server.client();
    let bob = signed_out.register("bob", "correct horse").await.unwrap();
    signed_out.register("ann", PASSWORD).await.unwrap();
    signed_out.register("ann", PASSWORD).await.unwrap_err();
    signed_out.sign_in("ann", WRONG_PASSWORD).await.unwrap_err();
    let ann = signed_out.sign_in("ann", PASSWORD).await.unwrap();
    ann.change_password(WRONG_PASSWORD, NEW_PASSWORD).await.unwrap_err();
    ann.change_password(PASSWORD, NEW_PASSWORD).await.unwrap();

    let thread = ann.open_thread(bob.id).await.unwrap().id;
    let sent = ann.send(thread, TEXT).idempotency_key(KEY).await.unwrap();
    ann.send(thread, TEXT).idempotency_key(KEY).await.unwrap();
    assert!(ann.send(thread, "other").idempotency_key(KEY).await.unwrap_err().is_conflict());
    ann.send(thread, TEXT.repeat(100)).await.unwrap_err();
    ann.messages().await.unwrap();
    ann.delete_message(sent.id).await.unwrap();

    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let message = format!("{{\"text\": \"{TEXT}");
    for (method, path, body, status) in [
        (Method::GET, format!("/users/me/?token={BAD_TOKEN}"), String::new(), 401),
        (Method::GET, format!("/{BAD_TOKEN}/"), String::new(), 404),
        (Method::POST, "/token/".to_owned(), message.clone(), 400),
        (Method::POST, "/token/".to_owned(), format!("{{\"password\": \"{PASSWORD}\"}}"), 400),
        (Method::PUT, "/messages/".to_owned(), message, 401),
    ] {
        let request = http.request(method, format!("{}/chat-api{path}", server.url));
        let request = request.header(header::AUTHORIZATION, format!("Token {BAD_TOKEN}"));
        let answer =
            request.header(header::CONTENT_TYPE, "application/json").body(body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    server.wait_for(r#"route="/token/""#);
    server.stop();
}
