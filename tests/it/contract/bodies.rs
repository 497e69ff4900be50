//! Request bodies: the accepted types, and the errors for all others.

use super::api::{ANN, Api, BOB};
use chat_core::api::endpoints;

const REQUIRED: &str = r#"{"participant":["This field is required."]}"#;

#[tokio::test]
async fn json_and_forms_are_read_whatever_the_case_and_parameters_of_the_type() {
    let api = Api::new().await;
    let opened = format!(r#"{{"id":"{}"}}"#, api.thread);
    for (media_type, body) in [
        ("application/json", r#"{"participant":3}"#),
        ("APPLICATION/JSON", r#" { "participant" : 3 } "#),
        ("application/json; charset=utf-8", r#"{"participant":3}"#),
        ("application/json;charset=latin-1", r#"{"participant":3}"#),
        ("application/x-www-form-urlencoded", "participant=3"),
        ("Application/X-WWW-Form-UrlEncoded; charset=UTF-8", "participant=%33"),
    ] {
        api.ann("POST", "/threads/").body(media_type, body).await.is_for(media_type, 200, &opened);
    }
}

#[tokio::test]
async fn an_absent_or_empty_body_is_an_empty_object_whatever_its_type() {
    let api = Api::new().await;
    api.ann("POST", "/threads/").await.is(400, REQUIRED);
    for media_type in ["application/json", "text/plain", "image/png", "nonsense"] {
        api.ann("POST", "/threads/").body(media_type, "").await.is_for(media_type, 400, REQUIRED);
    }
}

#[tokio::test]
async fn other_types_are_refused_by_name() {
    let api = Api::new().await;
    for media_type in ["text/plain", "multipart/form-data; boundary=x", "application/xml", "nonsense"] {
        let reply = api.ann("POST", "/threads/").body(media_type, r#"{"participant":3}"#).await;
        reply.detail_for(media_type, 415, &format!("Unsupported media type \"{media_type}\" in request."));
    }
    let untyped = api.ann("POST", "/threads/").body("", r#"{"participant":3}"#).await;
    untyped.detail(415, "Unsupported media type \"\" in request.");
}

#[tokio::test]
async fn a_body_that_is_encoded_is_refused_by_the_name_of_its_encoding() {
    let api = Api::new().await;
    let open = |encoding: &str| api.ann("POST", "/threads/").header("content-encoding", encoding.as_bytes());
    for encoding in ["gzip", "GZip", "br", "gzip, identity", "nonsense", "gzip,,br"] {
        for media_type in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
            let reply = open(encoding).body(media_type, &b"\x1f\x8b\x08"[..]).await;
            let detail = format!("Unsupported content encoding \"{encoding}\" in request.");
            reply.detail_for(encoding, 415, &detail);
            assert_eq!(reply.header("accept-encoding"), "identity");
        }
    }
    let reply = open("identity").header("content-encoding", b"gzip").json("{").await;
    reply.detail(415, "Unsupported content encoding \"identity, gzip\" in request.");
    for encoding in ["", "identity", "Identity", "identity,identity"] {
        assert_eq!(open(encoding).json(r#"{"participant":3}"#).await.status, 200, "{encoding}");
    }
    open("gzip").await.is(400, REQUIRED);
    let large = open("gzip").json(" ".repeat(64 * 1024 + 1)).await;
    large.detail(413, "Request body too large.");
}

#[tokio::test]
async fn a_body_that_is_not_json_is_a_parse_error() {
    let api = Api::new().await;
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        format!(r#"{{"participant":3,"x":{open}{close}}}"#)
    };
    let too_deep = nested(129);
    for body in [
        "{",
        "nonsense",
        r#"{"participant":3"#,
        r#"{"participant":3}}"#,
        r#"{"participant":03}"#,
        r#"{'participant':3}"#,
        r#"{"participant":3,}"#,
        r#"{"x":NaN}"#,
        r#"{"x":"\ud800"}"#,
        "{\"x\":\"\n\"}",
        &too_deep,
    ] {
        let reply = api.ann("POST", "/threads/").json(body.to_owned()).await;
        let detail = reply.json(400)["detail"].as_str().unwrap().to_owned();
        let reason = detail.strip_prefix("JSON parse error - ").unwrap_or_else(|| panic!("{body}: {detail}"));
        assert!(!reason.is_empty(), "{body}");
    }
    let not_utf8: &[u8] = b"{\"x\":\"\xff\"}";
    assert_eq!(api.ann("POST", "/threads/").json(not_utf8).await.status, 400);
    assert_eq!(api.ann("POST", "/threads/").json(nested(128)).await.status, 200, "128 levels are read");
}

#[tokio::test]
async fn a_json_value_that_is_not_an_object_is_named_by_its_python_type() {
    let api = Api::new().await;
    for (body, kind) in [
        ("[]", "list"),
        (r#""x""#, "str"),
        ("1", "int"),
        ("1.5", "float"),
        ("1e2", "float"),
        ("true", "bool"),
    ] {
        let expected =
            format!(r#"{{"non_field_errors":["Invalid data. Expected a dictionary, but got {kind}."]}}"#);
        api.ann("POST", "/threads/").json(body).await.is_for(body, 400, &expected);
    }
    let null = api.ann("POST", "/threads/").json("null").await;
    null.is(400, r#"{"non_field_errors":["No data provided"]}"#);
}

#[tokio::test]
async fn the_last_of_repeated_fields_wins_and_unknown_ones_are_ignored() {
    let api = Api::new().await;
    let opened = format!(r#"{{"id":"{}"}}"#, api.thread);
    let twice = r#"{"participant":[],"sender":9,"x":{"participant":9},"participant":3}"#;
    api.ann("POST", "/threads/").json(twice).await.is(200, &opened);
    api.ann("POST", "/threads/").form("participant=x&y=1&participant=3").await.is(200, &opened);
}

#[tokio::test]
async fn a_body_may_have_64_kib_and_arrive_in_pieces() {
    let api = Api::new().await;
    let padded = |length: usize| format!(r#"{{"participant":3,"x":"{}"}}"#, "x".repeat(length - 24));
    let (most, too_much) = (padded(65536), padded(65537));
    assert_eq!((most.len(), too_much.len()), (65536, 65537));

    assert_eq!(api.ann("POST", "/threads/").json(most.clone()).await.status, 200);
    let refused = api.ann("POST", "/threads/").json(too_much.clone()).await;
    refused.detail(413, "Request body too large.");

    let halves = |body: &str| [body[..30000].to_owned(), body[30000..].to_owned()];
    let [a, b] = halves(&most);
    assert_eq!(api.ann("POST", "/threads/").pieces(&[&a, &b]).await.status, 200);
    let [a, b] = halves(&too_much);
    api.ann("POST", "/threads/").pieces(&[&a, &b]).await.detail(413, "Request body too large.");
}

#[tokio::test]
async fn every_endpoint_that_reads_a_body_reads_forms() {
    let api = Api::open_to(true).await;
    api.chat.add_user("dan", "long enough").await.unwrap();
    let message = api.send_message(ANN, "hello").await;
    let message_of_thread = format!("thread={}&text=a%26b+c", api.thread);
    let up_to = format!("up_to={message}");
    for endpoint in endpoints::ALL.iter().filter(|endpoint| endpoint.takes_body) {
        let sign_in = (ANN, "username=dan&password=long+enough", 200, r#"{"token":""#);
        let (caller, form, status, answer) = match endpoint.name {
            "CreateToken" | "GetToken" => sign_in,
            "CreateUser" => (ANN, "username=new&password=long+enough", 201, r#""username":"new""#),
            "ChangePassword" => {
                (ANN, "current=x&new=long+enough", 400, r#"{"current":["Invalid password."]}"#)
            }
            "CreateThread" => (ANN, "participant=4", 201, r#"{"id":""#),
            "MarkThreadRead" => (BOB, &*up_to, 200, r#"{"updated":1}"#),
            "CreateMessage" => (ANN, &*message_of_thread, 201, r#""text":"a&b c""#),
            "UpdateMessage" => (ANN, "text=x&is_read=", 200, r#""text":"x""#),
            other => panic!("add a form for {other}"),
        };
        let id = if endpoint.path.starts_with("/messages/") {
            message.to_string()
        } else {
            api.thread.to_string()
        };
        let path = endpoint.path.replace("{id}", &id);
        let reply = api.call(endpoint.method.as_str(), &path).by(caller).form(form).await;
        assert_eq!(reply.status, status, "{}: {reply:?}", endpoint.name);
        assert!(reply.body.contains(answer), "{}: {reply:?}", endpoint.name);
    }
}
