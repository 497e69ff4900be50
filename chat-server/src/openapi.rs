//! The OpenAPI document, generated from the endpoint table and the wire types.

#![expect(
    clippy::indexing_slicing,
    reason = "an index into a JSON object that is made here inserts the member"
)]

use chat_core::api::{
    Detail, Endpoint, FieldErrors, IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, REQUEST_ID, ThreadCursor, Window,
    endpoints::{self, Idempotency, Spec, Visitor},
    limits,
};
use http::{Method, StatusCode};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Returns the OpenAPI 3.1 document of the whole API.
///
/// Its paths are relative to the base path.
///
/// ```
/// let document = chat_server::openapi();
/// assert_eq!(document["openapi"], "3.1.0");
/// assert_eq!(document["paths"]["/messages/"]["post"]["operationId"], "CreateMessage");
/// ```
pub fn document() -> Value {
    // The schemas describe serialized JSON. It always has every member of a response. An optional member may be null.
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut document = Document { schemas: settings.into_generator(), paths: Map::new() };
    endpoints::visit(&mut document);
    let responses = document.error_responses();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Chat",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "One-to-one messaging. Each path is served with and without its trailing slash. Each \
                path has OPTIONS. A path with a GET that takes no body also has HEAD.",
        },
        "servers": [{ "url": "/chat-api" }],
        "paths": document.paths,
        "components": {
            "schemas": document.schemas.take_definitions(true),
            "securitySchemes": security_schemes(),
            "headers": headers(),
            "responses": responses,
        },
    })
}

fn security_schemes() -> Value {
    json!({ "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "`Authorization: Bearer <token>`; `Token <token>` is accepted too.",
    }})
}

fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "Names the request in the server's log.",
            "required": true,
            "schema": { "type": "string" },
        },
        "Allow": {
            "description": "The methods of the path.",
            "schema": { "type": "string" },
        },
        "Authenticate": {
            "description": "The request needs a token.",
            "required": true,
            "schema": { "const": "Token" },
        },
        "RetryAfter": {
            "description": "The number of seconds after which to try again.",
            "required": true,
            "schema": { "type": "integer", "minimum": 1 },
        },
    })
}

/// Returns an error response with these headers besides those of every response.
fn error_response(description: &str, schema: &Value, own_headers: Value) -> Value {
    let mut headers = common_headers();
    if let (Value::Object(headers), Value::Object(own)) = (&mut headers, own_headers) {
        headers.extend(own);
    }
    json!({
        "description": description,
        "headers": headers,
        "content": { "application/json": { "schema": schema } },
    })
}

/// Returns the headers of every response.
fn common_headers() -> Value {
    json!({
        REQUEST_ID: { "$ref": "#/components/headers/RequestId" },
        "allow": { "$ref": "#/components/headers/Allow" },
    })
}

struct Document {
    schemas: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Visitor for Document {
    fn endpoint<E: Endpoint>(&mut self)
    where
        E::Path: JsonSchema,
        E::Query: JsonSchema,
        E::Body: JsonSchema,
        E::Reply: JsonSchema,
    {
        let spec = &E::SPEC;
        let parameters = self.parameters::<E>();
        let has = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
        let ([after, _], [_, offset]) = (ThreadCursor::FIELDS, Window::FIELDS);
        let (has_cursor, has_offset) = (has(after), has(offset));
        let mut operation = json!({
            "operationId": spec.name,
            "summary": spec.summary,
            "parameters": parameters,
            "responses": self.responses::<E>(has_cursor, has_offset),
            "security": if spec.signed_in { json!([{ "token": [] }]) } else { json!([]) },
        });
        if spec.takes_body {
            let schema = self.schemas.subschema_for::<E::Body>();
            operation["requestBody"] = json!({
                "content": {
                    "application/json": { "schema": schema },
                    "application/x-www-form-urlencoded": { "schema": schema },
                },
            });
        }
        let path = self.paths.entry(spec.path).or_insert_with(|| json!({}));
        path[spec.method.as_str().to_ascii_lowercase()] = operation;
    }
}

impl Document {
    /// Returns the error responses that endpoints reference by name.
    fn error_responses(&mut self) -> Value {
        let detail = json!(self.schemas.subschema_for::<Detail>());
        let field_errors = self.schemas.subschema_for::<FieldErrors>();
        let either = json!({ "anyOf": [detail, field_errors] });
        let authenticate = json!({ "www-authenticate": { "$ref": "#/components/headers/Authenticate" } });
        let retry_after = json!({ "retry-after": { "$ref": "#/components/headers/RetryAfter" } });
        json!({
            "Refused": error_response("The request is refused for one reason.", &detail, json!({})),
            "Unauthorized": error_response("The request has no valid token.", &detail, authenticate),
            "Later": error_response("The request is refused for now.", &detail, retry_after),
            "Invalid": error_response("The request, or some of its fields, are invalid.", &either, json!({})),
        })
    }

    fn parameters<E: Endpoint>(&mut self) -> Vec<Value>
    where
        E::Path: JsonSchema,
        E::Query: JsonSchema,
    {
        let mut parameters = Vec::new();
        if E::SPEC.path.contains("{id}") {
            let schema = self.schemas.subschema_for::<E::Path>();
            parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": schema }));
        }
        let query = E::Query::json_schema(&mut self.schemas);
        let properties = query.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            parameters
                .push(json!({ "name": name, "in": "query", "description": description, "schema": schema }));
        }
        if E::SPEC.idempotency == Idempotency::WithKey {
            parameters.push(json!({
                "name": IDEMPOTENCY_KEY,
                "in": "header",
                "description": "Makes the request safe to repeat: unique per sender.",
                "schema": {
                    "type": "string",
                    "pattern": "^[!-~]+$",
                    "minLength": 1,
                    "maxLength": limits::IDEMPOTENCY_KEY_MAX,
                },
            }));
        }
        parameters
    }

    fn responses<E: Endpoint>(&mut self, has_cursor: bool, has_offset: bool) -> Value
    where
        E::Reply: JsonSchema,
    {
        let spec = &E::SPEC;
        let mut responses = Map::new();
        for status in spec.success {
            let mut headers = common_headers();
            // A list with offsets has its links in the body.
            if has_cursor && !has_offset {
                headers["link"] = json!({
                    "description": "The next page, as `rel=\"next\"`, when there is one.",
                    "schema": { "type": "string" },
                });
            }
            if spec.idempotency == Idempotency::WithKey {
                headers[IDEMPOTENCY_REPLAYED] = json!({
                    "description": "An earlier request with the same key sent the message.",
                    "schema": { "const": "true" },
                });
            }
            let mut response = json!({ "description": reason(*status), "headers": headers });
            if *status != StatusCode::NO_CONTENT {
                let schema = self.schemas.subschema_for::<E::Reply>();
                response["content"] = json!({ "application/json": { "schema": schema } });
            }
            responses.insert(status.as_str().to_owned(), response);
        }
        for status in error_statuses(spec, has_cursor) {
            let name = match status {
                StatusCode::BAD_REQUEST => "Invalid",
                StatusCode::UNAUTHORIZED => "Unauthorized",
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "Later",
                _ => "Refused",
            };
            let response = json!({ "$ref": format!("#/components/responses/{name}") });
            responses.insert(status.as_str().to_owned(), response);
        }
        Value::Object(responses)
    }
}

/// Returns the error statuses of an endpoint, including the common ones.
fn error_statuses(spec: &Spec, has_cursor: bool) -> Vec<StatusCode> {
    let mut statuses = spec.error_statuses.to_vec();
    if spec.takes_body {
        let of_bodies = [
            StatusCode::BAD_REQUEST,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ];
        statuses.extend(of_bodies);
    } else if has_cursor {
        statuses.push(StatusCode::BAD_REQUEST);
    }
    if spec.signed_in {
        statuses.push(StatusCode::UNAUTHORIZED);
    }
    if spec.path.contains("{id}") {
        statuses.push(StatusCode::NOT_FOUND);
    }
    statuses.extend([
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ]);
    if spec.method != Method::OPTIONS {
        statuses.push(StatusCode::METHOD_NOT_ALLOWED);
    }
    statuses.sort();
    statuses
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Success")
}
