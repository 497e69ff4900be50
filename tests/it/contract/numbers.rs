//! Integers in bodies, and ids in paths.

use super::api::{Api, UNKNOWN_THREAD};

#[tokio::test]
async fn an_integer_may_be_a_number_or_a_text() {
    let api = Api::new().await;
    let opened = format!(r#"{{"id":"{}"}}"#, api.thread);
    for value in
        ["3", "3.0", "3e0", "0.3e1", r#""3""#, r#"" 3 ""#, r#""+3""#, r#""3.""#, r#""3.000""#, r#""003""#]
    {
        let body = format!(r#"{{"participant":{value}}}"#);
        api.ann("POST", "/threads/").json(body).await.is_for(value, 200, &opened);
    }
}

#[tokio::test]
async fn a_value_that_is_not_a_valid_participant_is_refused() {
    let api = Api::new().await;
    let long = format!("\"{}\"", "1".repeat(1001));
    let longest = format!("\"{}3\"", "0".repeat(999));
    let not_one = r#"{"participant":["A valid integer is required."]}"#;
    let not_positive = r#"{"detail":"A participant ID must be a positive int"}"#;
    let absent = |id: &str| format!(r#"{{"participant":["Invalid pk \"{id}\" - object does not exist."]}}"#);
    let huge = "100000000000000000000000000000";
    for (value, expected) in [
        ("3.5", not_one),
        (r#""3.5""#, not_one),
        (r#""""#, not_one),
        (r#""1_0""#, not_one),
        (r#""３""#, not_one),
        (r#""0x3""#, not_one),
        ("true", not_one),
        ("[]", not_one),
        ("{}", not_one),
        ("null", r#"{"participant":["This field may not be null."]}"#),
        (&long, r#"{"participant":["String value too large."]}"#),
        ("0", not_positive),
        ("-3", not_positive),
        (r#""-3""#, not_positive),
        ("9999", &absent("9999")),
        (huge, &absent(huge)),
        ("2", r#"{"participant":["You cannot start a thread with yourself."]}"#),
    ] {
        let body = format!(r#"{{"participant":{value}}}"#);
        api.ann("POST", "/threads/").json(body).await.is_for(value, 400, expected);
    }
    let body = format!(r#"{{"participant":{longest}}}"#);
    assert_eq!(api.ann("POST", "/threads/").json(body).await.status, 200, "1000 characters are read");
}

#[tokio::test]
async fn ids_in_paths_may_have_blanks_signs_and_zeros() {
    let api = Api::new().await;
    for id in ["2", "+2", "002", "%202", "2%20", "%2B02"] {
        api.ann("GET", &format!("/users/{id}/")).await.is_for(id, 200, r#"{"id":2,"username":"ann"}"#);
    }
    for id in ["abc", "2.0", "0x2", "1_0", "%EF%BC%92"] {
        api.ann("GET", &format!("/users/{id}/")).await.detail_for(id, 404, "Not found.");
        api.ann("GET", &format!("/messages/{id}/")).await.detail_for(id, 404, "Not found.");
    }
    for id in ["0", "-2", "9999", "100000000000000000000000000000"] {
        let path = format!("/users/{id}/");
        api.ann("GET", &path).await.detail_for(id, 404, "No User matches the given query.");
        let path = format!("/messages/{id}/");
        api.ann("GET", &path).await.detail_for(id, 404, "No Message matches the given query.");
    }
}

#[tokio::test]
async fn thread_ids_in_paths_are_accepted_in_every_spelling_of_a_uuid() {
    let api = Api::new().await;
    let canonical = api.thread.to_string();
    for id in [canonical.to_uppercase(), canonical.replace('-', ""), format!("%7B{canonical}%7D")] {
        let thread = api.ann("GET", &format!("/threads/{id}/")).await.json(200);
        assert_eq!(thread["id"], *canonical, "{id}");
    }
    for id in ["abc", "5", &format!("%20{canonical}")] {
        api.ann("GET", &format!("/threads/{id}/")).await.detail_for(id, 404, "Not found.");
    }
    let absent = api.ann("GET", &format!("/threads/{UNKNOWN_THREAD}/")).await;
    absent.detail(404, "No Thread matches the given query.");
}
