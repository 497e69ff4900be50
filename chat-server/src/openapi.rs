//! The OpenAPI document, made from the endpoint table and the wire types.

#![expect(clippy::indexing_slicing, reason = "naming a member of a JSON object made here inserts it")]

use chat_core::api::{
    Detail, Endpoint, FieldErrors, IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, REQUEST_ID,
    endpoints::{self, CreateMessage, Spec, Visitor},
    limits,
};
use http::{Method, StatusCode};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// The OpenAPI 3.1 document of the whole API; its paths are relative to the base path.
pub fn document() -> Value {
    // As they are written: a member that may be null is there all the same.
    let mut settings = SchemaSettings::draft2020_12().for_serialize();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut document = Document { schemas: settings.into_generator(), paths: Map::new() };
    endpoints::visit(&mut document);
    let detail = json!(document.schemas.subschema_for::<Detail>());
    let field_errors = document.schemas.subschema_for::<FieldErrors>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Chat",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "One-to-one messaging. Paths are served with and without their trailing slash; OPTIONS \
                everywhere, HEAD wherever a GET without a body is.",
        },
        "servers": [{ "url": "/chat-api" }],
        "paths": document.paths,
        "components": {
            "schemas": document.schemas.take_definitions(true),
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "`Authorization: Bearer <token>`; `Token <token>` does as well.",
            }},
            "headers": {
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
                    "description": "Says that a token would help.",
                    "required": true,
                    "schema": { "const": "Token" },
                },
                "RetryAfter": {
                    "description": "In how many seconds to try again.",
                    "required": true,
                    "schema": { "type": "integer", "minimum": 1 },
                },
            },
            "responses": {
                "Refused": refusal("Refused for one reason.", &detail, json!({})),
                "Unauthorized": refusal(
                    "Refused: who is calling is not known.",
                    &detail,
                    json!({ "www-authenticate": { "$ref": "#/components/headers/Authenticate" } }),
                ),
                "Later": refusal(
                    "Refused for now.",
                    &detail,
                    json!({ "retry-after": { "$ref": "#/components/headers/RetryAfter" } }),
                ),
                "Invalid": refusal(
                    "Refused: what is wrong with the request, or with each of its fields.",
                    &json!({ "anyOf": [detail, field_errors] }),
                    json!({}),
                ),
            },
        },
    })
}

fn refusal(description: &str, schema: &Value, own_headers: Value) -> Value {
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
        let has_cursor = parameters.iter().any(|parameter| parameter["name"] == "after");
        let mut operation = json!({
            "operationId": spec.name,
            "summary": spec.summary,
            "parameters": parameters,
            "responses": self.responses::<E>(has_cursor),
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
        if E::SPEC.name == CreateMessage::SPEC.name {
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

    fn responses<E: Endpoint>(&mut self, has_cursor: bool) -> Value
    where
        E::Reply: JsonSchema,
    {
        let spec = &E::SPEC;
        let mut responses = Map::new();
        for status in spec.success {
            let mut headers = common_headers();
            if has_cursor {
                headers["link"] = json!({
                    "description": "The next page, as `rel=\"next\"`, when there is one.",
                    "schema": { "type": "string" },
                });
            }
            if spec.name == CreateMessage::SPEC.name {
                headers[IDEMPOTENCY_REPLAYED] = json!({
                    "description": "An earlier request with the same key had sent the message.",
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
        for status in refusals(spec, has_cursor) {
            let kind = match status {
                StatusCode::BAD_REQUEST => "Invalid",
                StatusCode::UNAUTHORIZED => "Unauthorized",
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "Later",
                _ => "Refused",
            };
            let response = json!({ "$ref": format!("#/components/responses/{kind}") });
            responses.insert(status.as_str().to_owned(), response);
        }
        Value::Object(responses)
    }
}

/// The statuses an endpoint refuses with, those that every endpoint may give included.
fn refusals(spec: &Spec, has_cursor: bool) -> Vec<StatusCode> {
    let mut refusals = spec.refusals.to_vec();
    if spec.takes_body {
        let of_bodies = [
            StatusCode::BAD_REQUEST,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ];
        refusals.extend(of_bodies);
    } else if has_cursor {
        refusals.push(StatusCode::BAD_REQUEST);
    }
    if spec.signed_in {
        refusals.push(StatusCode::UNAUTHORIZED);
    }
    if spec.path.contains("{id}") {
        refusals.push(StatusCode::NOT_FOUND);
    }
    refusals.extend([
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ]);
    if spec.method != Method::OPTIONS {
        refusals.push(StatusCode::METHOD_NOT_ALLOWED);
    }
    refusals.sort();
    refusals
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Success")
}
