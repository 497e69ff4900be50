//! The outer form of a Django dump: one array of objects, read object by object.

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

/// What `dumpdata` writes for each row. `fields` stays text until the model is known, because `model` need not
/// come first.
#[derive(Debug, Deserialize)]
pub(super) struct Object {
    pub(super) model: String,
    pub(super) pk: Option<Value>,
    pub(super) fields: Box<RawValue>,
}

/// Hands every object of the dump to `each`, stops at the first it refuses, and answers the SHA-256 of the file.
pub(super) fn read(source: impl Read, each: impl FnMut(Object) -> Result<()>) -> Result<[u8; 32]> {
    let mut source = BufReader::with_capacity(1 << 16, Hashing { source, digest: Sha256::new() });
    // Some editors and shells put a byte order mark before the text.
    if source.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        source.consume(3);
    }
    let mut objects = Objects { each, refusal: None };
    let mut json = serde_json::Deserializer::from_reader(&mut source);
    let read = json.deserialize_seq(&mut objects).and_then(|()| json.end());
    match (objects.refusal, read) {
        (Some(refusal), _) => Err(refusal),
        (None, Ok(())) => Ok(source.into_inner().digest.finalize().into()),
        (None, Err(error)) if error.is_io() => Err(io::Error::from(error)).context("reading it failed"),
        (None, Err(error)) => Err(anyhow!("it is not the JSON that Django's dumpdata writes: {error}")),
    }
}

/// A reader that digests what passes through it.
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

/// Visits the array. A refusal is kept beside serde's error, which would add a position to it: of no use in a file
/// that is usually a single line.
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
