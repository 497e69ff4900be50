//! The OpenAPI document, compared with the routes that the service serves.

use super::api::{ANN, Api};
use serde_json::Value;
use std::collections::BTreeSet;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

async fn document(api: &Api) -> Value {
    api.call("GET", "/openapi.json").await.json(200)
}

#[tokio::test]
async fn the_document_names_exactly_the_served_methods() {
    let api = Api::new().await;
    let message = api.send_message(ANN, "hello").await.to_string();
    let document = document(&api).await;
    for (pattern, operations) in document["paths"].as_object().unwrap() {
        let id = if pattern.starts_with("/threads") { api.thread.to_string() } else { message.clone() };
        let options = api.call("OPTIONS", &pattern.replace("{id}", &id)).await;
        assert_eq!(options.status, 204, "{pattern}");
        let served: BTreeSet<_> =
            options.header("allow").split(", ").filter(|method| METHODS.contains(method)).collect();
        let documented: BTreeSet<_> =
            operations.as_object().unwrap().keys().map(|m| m.to_uppercase()).collect();
        assert_eq!(served, documented.iter().map(String::as_str).collect(), "{pattern}");
    }
    let paths = document["paths"].as_object().unwrap().len();
    assert_eq!(paths, 16, "every path of the contract except that of the document");
}

#[tokio::test]
async fn the_document_says_where_a_token_is_needed() {
    let api = Api::new().await;
    for (pattern, operations) in document(&api).await["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let documented = !operation["security"].as_array().unwrap().is_empty();
            let path = pattern.replace("{id}", "1");
            let needed = api.call(&method.to_uppercase(), &path).await.status == 401;
            assert_eq!(documented, needed, "{method} {pattern}");
        }
    }
}

#[tokio::test]
async fn references_resolve_and_operation_names_are_unique() {
    let api = Api::new().await;
    let document = document(&api).await;
    let (mut names, mut pending) = (BTreeSet::new(), vec![&document]);
    while let Some(value) = pending.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                if let Some(Value::String(name)) = members.get("operationId") {
                    assert!(names.insert(name.clone()), "{name}");
                }
                pending.extend(members.values());
            }
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    assert_eq!(names.len(), chat_core::api::endpoints::ALL.len());
}
