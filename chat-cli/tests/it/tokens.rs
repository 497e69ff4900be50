//! Listing, naming and revoking tokens.

use crate::support::{TestEnv, mock, requests};
use serde_json::json;
use wiremock::MockServer;

#[tokio::test]
async fn the_list_of_tokens_marks_the_one_in_use() {
    let server = MockServer::start().await;
    let tokens = json!([
        {
            "id": 7, "name": "laptop", "created": "2026-01-31T12:00:00.5Z", "last_used": "2026-02-01T08:00:00Z",
            "expires": "2026-05-02T08:00:00Z", "current": true,
        },
        {
            "id": 2, "name": null, "created": "2025-01-31T12:00:00Z", "last_used": "2025-02-01T08:00:00Z",
            "expires": null, "current": false,
        },
    ]);
    mock(&server, "GET", "/tokens/", 200, &tokens).await;
    let table = TestEnv::new().run_at(&server, ["tokens", "list"]).ok();
    let rows: Vec<Vec<_>> = table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let first =
        ["7*", "laptop", "2026-01-31", "12:00:00", "2026-02-01", "08:00:00", "2026-05-02", "08:00:00"];
    assert_eq!(rows[0], first);
    assert_eq!(rows[1], ["2", "2025-01-31", "12:00:00", "2025-02-01", "08:00:00", "never"]);
    let shown = TestEnv::new().run_at(&server, ["tokens", "list", "--json"]).json();
    assert_eq!((&shown[0]["name"], &shown[1]["expires"]), (&json!("laptop"), &json!(null)));
}

#[tokio::test]
async fn a_token_is_revoked_by_its_id() {
    let server = MockServer::start().await;
    mock(&server, "DELETE", "/tokens/7/", 204, &json!(null)).await;
    let nothing = json!({"detail": "No Token matches the given query."});
    mock(&server, "DELETE", "/tokens/8/", 404, &nothing).await;
    assert_eq!(
        TestEnv::new().run_at(&server, ["tokens", "revoke", "7", "--json"]).json(),
        json!({"revoked": 7})
    );
    let stderr = TestEnv::new().run_at(&server, ["tokens", "revoke", "8"]).failed(3);
    assert!(stderr.contains("you have no token 8"), "{stderr}");
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn a_login_names_its_token() {
    let server = MockServer::start().await;
    mock(&server, "POST", "/token/", 200, &json!({"token": "5ec2e7"})).await;
    mock(&server, "GET", "/users/me/", 200, &json!({"id": 2, "username": "ann"})).await;
    let login = ["login", "ann", "--password-stdin", "--token-name", "laptop"];
    TestEnv::new().run_at_with_input(&server, login, "1234\n").ok();
    let (_, _, body) = &requests(&server).await[0];
    assert!(body.contains(r#""name":"laptop""#), "{body}");
}
