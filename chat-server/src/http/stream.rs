//! Lists without an end in sight, sent while they are read.

use crate::http::{
    error::ApiError,
    response::{self, Body, BodyError},
};
use bytes::Bytes;
use chat_core::Error;
use futures_util::stream;
use http::{Response, StatusCode};
use serde::Serialize;

/// Rows read at a time: nothing of the database is held between two reads, however slow the reader is.
pub(crate) const ROWS: u64 = 500;

/// A JSON array of everything `rows` gives, which is called with the last entry so far until it gives fewer than
/// [`ROWS`]. Errors of the first call are answered; later ones break off the response.
pub(crate) async fn array<T, F, Fut>(rows: F) -> Result<Response<Body>, ApiError>
where
    T: Serialize + Send + 'static,
    F: Fn(Option<T>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Vec<T>, Error>> + Send + 'static,
{
    let first = rows(None).await?;
    if is_last(&first) {
        return Ok(response::json(StatusCode::OK, &first));
    }
    let chunks = stream::try_unfold(Some((rows, first, true)), |state| async move {
        let Some((rows, mut page, begins)) = state else { return Ok::<_, BodyError>(None) };
        let ends = is_last(&page);
        let chunk = chunk(&page, begins, ends)?;
        if ends {
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

/// A page's part of the array.
fn chunk(page: &[impl Serialize], begins: bool, ends: bool) -> Result<Bytes, BodyError> {
    let mut chunk = Vec::with_capacity(page.len() * 192);
    chunk.extend(begins.then_some(b'['));
    for (i, entry) in page.iter().enumerate() {
        if i > 0 || !begins {
            chunk.push(b',');
        }
        serde_json::to_writer(&mut chunk, entry)?;
    }
    chunk.extend(ends.then_some(b']'));
    Ok(chunk.into())
}
