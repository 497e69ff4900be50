//! The functions that send the requests of all methods of the client.

use crate::{
    Client, Error,
    error::ErrorKind,
    response::{self, ApiResponse},
    retry,
};
use bytes::Bytes;
use chat_core::api::endpoints::{Endpoint, PathId, RequestBody};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::Url;
use serde::Serialize;
use std::collections::BTreeMap;
use tokio::runtime::Handle;

impl Client {
    /// Calls an endpoint and returns the body of the response.
    pub(crate) async fn call<E: Endpoint>(
        &self,
        path: E::Path,
        query: &E::Query,
        body: &E::Body,
    ) -> Result<E::Reply, Error> {
        Ok(self.call_for_response::<E>(path, query, body, HeaderMap::new()).await?.body)
    }

    /// Calls an endpoint and returns the body, the status and the headers.
    pub(crate) async fn call_for_response<E: Endpoint>(
        &self,
        path: E::Path,
        query: &E::Query,
        body: &E::Body,
        mut headers: HeaderMap,
    ) -> Result<ApiResponse<E::Reply>, Error> {
        let spec = E::SPEC;
        let path = match path.segment() {
            Some(id) => spec.path.replace("{id}", &id),
            None => spec.path.to_owned(),
        };
        let url = self.url(&format!("{}{path}", self.shared.base_path), query)?;
        if let Some(authorization) = self.authorization().filter(|_| spec.signed_in) {
            headers.insert(header::AUTHORIZATION, authorization);
        }
        let mut json = Bytes::new();
        if <E::Body as RequestBody>::EXPECTED {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            json = serde_json::to_vec(body).map_err(not_serializable)?.into();
        }
        self.shared
            .retry
            .run(retry::is_repeatable(&spec, &headers), || async {
                let response = self.send_once(&spec.method, &url, &headers, &json).await;
                let result = response.and_then(|response| response.error_for_status(spec.success)?.decode());
                result.map_err(|error| self.name_proxy(error))
            })
            .await
    }

    /// Fetches a path that is not in the table of endpoints.
    pub(crate) async fn get(&self, path: &str) -> Result<Bytes, Error> {
        let url = self.url(path, &())?;
        let attempt = || async {
            let response = self.send_once(&Method::GET, &url, &HeaderMap::new(), &Bytes::new()).await;
            let result = response.and_then(|response| response.error_for_status(&[StatusCode::OK]));
            result.map(|response| response.body).map_err(|error| self.name_proxy(error))
        };
        self.shared.retry.run(true, attempt).await
    }

    fn name_proxy(&self, error: Error) -> Error {
        match &self.shared.proxy {
            Some(proxy) => error.with_proxy(proxy, self.shared.root.host_str().unwrap_or_default()),
            None => error,
        }
    }

    /// Makes one attempt and returns the response, whatever its status.
    pub(crate) async fn send_once(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<ApiResponse<Bytes>, Error> {
        // The HTTP client panics outside a runtime.
        Handle::try_current().map_err(|_| {
            Error::new(ErrorKind::Builder("there is no Tokio runtime: call the client within one"))
        })?;
        let request = self.shared.http.request(method.clone(), url.clone()).headers(headers.clone());
        // A request without a body gets no Content-Length header.
        let request = if body.is_empty() { request } else { request.body(body.clone()) };
        let response = request.send().await.map_err(Error::transport)?;
        response::read(response, self.shared.response_limit).await
    }

    /// Returns the URL of `path` below the root of the server, with `query`.
    pub(crate) fn url<Q: Serialize>(&self, path: &str, query: &Q) -> Result<Url, Error> {
        let mut url = self.shared.root.clone();
        let root = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{root}{path}"));
        if let serde_json::Value::Object(fields) = serde_json::to_value(query).map_err(not_serializable)?
            && !fields.is_empty()
        {
            let mut pairs = url.query_pairs_mut();
            // Sorted by name: the order of a serde_json map depends on features that other crates enable.
            for (name, value) in fields.into_iter().collect::<BTreeMap<_, _>>() {
                match value {
                    serde_json::Value::String(text) => pairs.append_pair(&name, &text),
                    other => pairs.append_pair(&name, &other.to_string()),
                };
            }
        }
        Ok(url)
    }
}

fn not_serializable(error: serde_json::Error) -> Error {
    Error::with_source(ErrorKind::Builder("the request cannot be serialized as JSON"), error)
}
