//! JSON arrays of any length, sent while their rows are read.

use crate::http::{
    error::ApiError,
    response::{self, Body, BodyError},
};
use bytes::Bytes;
use chat_core::Error;
use futures_util::stream;
use http::{Response, StatusCode};
use serde::Serialize;

/// Rows of one read.
///
/// Between two reads no database connection is held, even if the client reads slowly.
pub(crate) const ROWS: u64 = 500;

/// Returns a response with all rows as a JSON array.
///
/// `rows` is called with the last row so far, until it returns fewer than [`ROWS`].
///
/// # Errors
/// Those of the first call of `rows`. An error of a later call ends the body early, which closes the connection.
pub(crate) async fn array<T, F, Fut>(rows: F) -> Result<Response<Body>, ApiError>
where
    T: Serialize + Send + 'static,
    F: Fn(Option<T>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Vec<T>, Error>> + Send + 'static,
{
    let first = rows(None).await?;
    if is_last(&first) {
        return Ok(response::json(StatusCode::OK, &first)?);
    }
    let chunks = stream::try_unfold(Some((rows, first, true)), |state| async move {
        let Some((rows, mut page, is_first)) = state else { return Ok::<_, BodyError>(None) };
        let is_last = is_last(&page);
        let chunk = chunk(&page, is_first, is_last)?;
        if is_last {
            return Ok(Some((chunk, None)));
        }
        let next = rows(page.pop()).await?;
        Ok(Some((chunk, Some((rows, next, false)))))
    });
    Ok(response::with_json(StatusCode::OK, Body::stream(chunks)))
}

fn is_last<T>(page: &[T]) -> bool {
    (page.len() as u64) < ROWS
}

/// Writes a page of rows as a part of the array.
fn chunk(page: &[impl Serialize], is_first: bool, is_last: bool) -> Result<Bytes, BodyError> {
    let mut chunk = Vec::with_capacity(page.len() * 192);
    chunk.extend(is_first.then_some(b'['));
    for (i, entry) in page.iter().enumerate() {
        if i > 0 || !is_first {
            chunk.push(b',');
        }
        serde_json::to_writer(&mut chunk, entry)?;
    }
    chunk.extend(is_last.then_some(b']'));
    Ok(chunk.into())
}
