//! JSON arrays of any length, sent while their rows are read.

use crate::http::{
    error::ApiError,
    response::{self, Body, BodyError},
};
use bytes::Bytes;
use chat_core::{
    Error,
    json::{self, ToJson},
};
use futures_util::stream;
use http::{Response, StatusCode};

/// Rows of one read.
///
/// Between two reads no database connection is held, even if the client reads slowly.
pub(crate) const ROWS: u64 = 500;

/// Returns a response with all rows as a JSON array.
///
/// `rows` is called with the last row so far, until it returns fewer than [`ROWS`].
///
/// # Errors
/// Those of the first call of `rows`. An error of a later call ends the body early: see [`BodyError`].
pub(crate) async fn array<T, F, Fut>(rows: F) -> Result<Response<Body>, ApiError>
where
    T: ToJson + Send + 'static,
    F: Fn(Option<T>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Vec<T>, Error>> + Send + 'static,
{
    let first = rows(None).await?;
    if is_last(&first) {
        return Ok(response::with_json(StatusCode::OK, Bytes::from(json::array(&first)).into()));
    }
    let chunks = stream::try_unfold(Some((rows, first, true)), |state| async move {
        let Some((rows, mut page, is_first)) = state else { return Ok::<_, BodyError>(None) };
        let is_last = is_last(&page);
        let chunk = chunk(&page, is_first, is_last);
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
fn chunk(page: &[impl ToJson], is_first: bool, is_last: bool) -> Bytes {
    let mut chunk = String::with_capacity(page.iter().map(|row| 1 + row.size()).sum());
    for (i, row) in page.iter().enumerate() {
        chunk.push(if i == 0 && is_first { '[' } else { ',' });
        row.write_json(&mut chunk);
    }
    if is_last {
        chunk.push(']');
    }
    chunk.into()
}
