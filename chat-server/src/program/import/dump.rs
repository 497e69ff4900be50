//! The outer structure of a Django dump: an array, read object by object.

use anyhow::{Context, Result, anyhow};
use serde::{
    Deserialize, Deserializer as _,
    de::{Error as _, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};
use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
};

const BUFFER_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The object that `dumpdata` writes for each row.
///
/// `fields` stays unparsed until the model is known, because `model` need not come first.
#[derive(Debug, Deserialize)]
pub(super) struct Object {
    pub(super) model: String,
    pub(super) pk: Option<Value>,
    pub(super) fields: Box<RawValue>,
}

/// Passes every object of the dump to `each`, until its first error.
///
/// Returns the SHA-256 of the file.
pub(super) fn read(source: impl Read, each: impl FnMut(Object) -> Result<()>) -> Result<[u8; 32]> {
    let mut source = BufReader::with_capacity(BUFFER_BYTES, Hashing { source, digest: Sha256::new() });
    // Some editors and shells write a byte order mark before the text.
    if source.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        source.consume(BYTE_ORDER_MARK.len());
    }
    let mut objects = Objects { each, refusal: None };
    let mut json = serde_json::Deserializer::from_reader(&mut source);
    let read = json.deserialize_seq(&mut objects).and_then(|()| json.end());
    match (objects.refusal, read) {
        (Some(refusal), _) => Err(refusal),
        (None, Ok(())) => Ok(source.into_inner().digest.finalize().into()),
        (None, Err(error)) if error.is_io() => Err(io::Error::from(error)).context("it cannot be read"),
        (None, Err(error)) => Err(anyhow!("it is not the JSON that Django's dumpdata writes: {error}")),
    }
}

/// A reader that computes the SHA-256 of the bytes that are read.
struct Hashing<R> {
    source: R,
    digest: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.digest.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// Visits the array.
///
/// An error of `each` is stored separately. serde would add a position to it, and that is useless in a file that is
/// usually a single line.
struct Objects<F> {
    each: F,
    refusal: Option<anyhow::Error>,
}

impl<'de, F: FnMut(Object) -> Result<()>> Visitor<'de> for &mut Objects<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        while let Some(object) = array.next_element()? {
            if let Err(refusal) = (self.each)(object) {
                self.refusal = Some(refusal);
                return Err(A::Error::custom("an object was refused"));
            }
        }
        Ok(())
    }
}
