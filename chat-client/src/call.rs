//! The one way from a method of the client to the wire and back.

use crate::{
    Client, Error,
    error::Kind,
    response::{self, Answer},
    retry,
};
use bytes::Bytes;
use chat_core::api::endpoints::{Endpoint, PathId, RequestBody};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use reqwest::Url;
use serde::Serialize;
use std::collections::BTreeMap;

impl Client {
    /// Calls an endpoint and gives its reply.
    pub(crate) async fn call<E: Endpoint>(
        &self,
        path: E::Path,
        query: &E::Query,
        body: &E::Body,
    ) -> Result<E::Reply, Error> {
        Ok(self.answer::<E>(path, query, body, HeaderMap::new()).await?.body)
    }

    /// Calls an endpoint and gives its reply with what stands around it.
    pub(crate) async fn answer<E: Endpoint>(
        &self,
        path: E::Path,
        query: &E::Query,
        body: &E::Body,
        mut headers: HeaderMap,
    ) -> Result<Answer<E::Reply>, Error> {
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
            json = serde_json::to_vec(body).map_err(unwritable)?.into();
        }
        self.shared
            .retry
            .run(retry::is_repeatable(&spec), || async {
                let answer = self.exchange(&spec.method, &url, &headers, &json).await?;
                answer.succeeded(spec.success)?.decode()
            })
            .await
    }

    /// Reads what is no endpoint of the table.
    pub(crate) async fn get(&self, path: &str) -> Result<Bytes, Error> {
        let url = self.url(path, &())?;
        let attempt = || async {
            let answer = self.exchange(&Method::GET, &url, &HeaderMap::new(), &Bytes::new()).await?;
            Ok(answer.succeeded(&[StatusCode::OK])?.body)
        };
        self.shared.retry.run(true, attempt).await
    }

    /// Makes one attempt, whatever comes of it.
    pub(crate) async fn exchange(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answer<Bytes>, Error> {
        let request = self.shared.http.request(method.clone(), url.clone()).headers(headers.clone());
        // Without a body there is no length to tell either.
        let request = if body.is_empty() { request } else { request.body(body.clone()) };
        let response = request.send().await.map_err(Error::transport)?;
        response::read(response, self.shared.response_limit).await
    }

    /// The address of `path` below the server's root.
    pub(crate) fn url<Q: Serialize>(&self, path: &str, query: &Q) -> Result<Url, Error> {
        let mut url = self.shared.root.clone();
        let root = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{root}{path}"));
        if let serde_json::Value::Object(fields) = serde_json::to_value(query).map_err(unwritable)?
            && !fields.is_empty()
        {
            let mut pairs = url.query_pairs_mut();
            // By name: how serde_json orders a map depends on what other crates ask of it.
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

fn unwritable(error: serde_json::Error) -> Error {
    Error::with_source(Kind::Invalid("the request cannot be put into JSON"), error)
}
