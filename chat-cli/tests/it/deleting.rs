//! Deletions need a confirmation and permission.

use crate::support::{THREAD, TestEnv, mock, requests};
use serde_json::{Value, json};
use wiremock::MockServer;

#[tokio::test]
async fn without_a_terminal_a_deletion_needs_yes() {
    let server = MockServer::start().await;
    mock(&server, "DELETE", &format!("/threads/{THREAD}/"), 204, &Value::Null).await;
    mock(&server, "DELETE", "/messages/7/", 204, &Value::Null).await;
    let ann = TestEnv::new();
    for args in [["threads", "delete", THREAD], ["messages", "delete", "7"]] {
        let output = ann.run_at_with_input(&server, args, "y\n");
        let stderr = output.failed(2);
        assert!(stderr.contains("--yes"), "{stderr}");
        assert!(requests(&server).await.is_empty());
    }
    assert_eq!(
        ann.run_at(&server, ["threads", "delete", THREAD, "--yes", "--json"]).json(),
        json!({"deleted": THREAD})
    );
    assert_eq!(
        ann.run_at(&server, ["messages", "delete", "7", "-y", "--json"]).json(),
        json!({"deleted": 7})
    );
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn deleting_the_message_of_another_user_is_not_allowed() {
    let server = MockServer::start().await;
    let refusal = json!({"detail": "You do not have permission to perform this action."});
    mock(&server, "DELETE", "/messages/7/", 403, &refusal).await;
    let output = TestEnv::new().run_at(&server, ["messages", "delete", "7", "--yes"]);
    assert!(output.failed(4).contains("permission"));
}
