//! Nothing is deleted by accident.

use crate::support::{Person, THREAD, answer, requests};
use serde_json::{Value, json};
use wiremock::MockServer;

#[tokio::test]
async fn where_nobody_can_be_asked_it_takes_a_yes() {
    let server = MockServer::start().await;
    answer(&server, "DELETE", &format!("/threads/{THREAD}/"), 204, &Value::Null).await;
    answer(&server, "DELETE", "/messages/7/", 204, &Value::Null).await;
    let ann = Person::new();
    for args in [["threads", "delete", THREAD], ["messages", "delete", "7"]] {
        let ran = ann.at_with_input(&server, args, "y\n");
        assert_eq!(ran.status, 2);
        assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
        assert!(requests(&server).await.is_empty());
    }
    assert_eq!(
        ann.at(&server, ["threads", "delete", THREAD, "--yes", "--json"]).json(),
        json!({"deleted": THREAD})
    );
    assert_eq!(ann.at(&server, ["messages", "delete", "7", "-y", "--json"]).json(), json!({"deleted": 7}));
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn another_ones_message_is_not_ours_to_delete() {
    let server = MockServer::start().await;
    let refusal = json!({"detail": "You do not have permission to perform this action."});
    answer(&server, "DELETE", "/messages/7/", 403, &refusal).await;
    let ran = Person::new().at(&server, ["messages", "delete", "7", "--yes"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (4, ""));
    assert!(ran.stderr.contains("permission"));
}
