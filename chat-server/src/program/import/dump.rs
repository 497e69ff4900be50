//! The outer structure of a Django dump: an array, read object by object.

use super::format;
use anyhow::{Context, Result, anyhow};
use serde::{
    Deserialize, Deserializer as _,
    de::{Error as _, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};
use std::{
    cell::Cell,
    fmt,
    io::{self, BufReader, Read},
};

const BUFFER_BYTES: usize = 64 * 1024;
/// The largest size of an object, in bytes.
///
/// An object is read into memory. Without a limit, an endless object on standard input would use all memory.
const OBJECT_MAX: usize = 16 * 1024 * 1024;
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
    let mut head = Vec::new();
    read_up_to(&mut source, format::HEAD_BYTES, &mut head).context("it cannot be read")?;
    // Some editors and shells write a byte order mark before the text.
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&head);
    if let Some(reason) = format::refusal(head) {
        return Err(not_a_dump(reason));
    }
    let left = Cell::new(OBJECT_MAX);
    let mut text = Limited { source: head.chain(&mut source), left: &left };
    let mut objects = Objects { each, refusal: None, left: &left };
    let mut json = serde_json::Deserializer::from_reader(&mut text);
    let mut in_array = true;
    let read = json.deserialize_seq(&mut objects).and_then(|()| {
        in_array = false;
        json.end()
    });
    match (objects.refusal, read) {
        (Some(refusal), _) => Err(refusal),
        (None, Ok(())) => Ok(source.into_inner().digest.finalize().into()),
        (None, Err(error)) if error.is_io() => Err(io::Error::from(error)).context("it cannot be read"),
        (None, Err(error)) if !in_array => Err(not_a_dump(format!(
            "other text follows the array: {error}; remove that text, or dump again with --output dump.json"
        ))),
        (None, Err(error)) if error.is_eof() => Err(not_a_dump(format!(
            "it is incomplete: {error}; check that dumpdata did not fail, and dump again"
        ))),
        (None, Err(error)) => Err(not_a_dump(syntax(&error, &mut text))),
    }
}

fn not_a_dump(reason: String) -> anyhow::Error {
    anyhow!("it is not the JSON that Django's dumpdata writes: {reason}")
}

/// Returns the text of an error inside the array.
///
/// `rest` has the bytes after the position of the error.
fn syntax(error: &serde_json::Error, rest: &mut impl Read) -> String {
    let mut next = Vec::new();
    // If the file cannot be read any further, the error of the parser is all that is known.
    let readable = error.is_syntax() && read_up_to(rest, 8, &mut next).is_ok();
    if readable && format::is_non_finite(&next) {
        let (line, column) = (error.line(), error.column());
        format!(
            "it has NaN or Infinity at line {line} column {column}, which JSON does not have; dump again without that \
             model: manage.py dumpdata auth.user authtoken chat"
        )
    } else if error.to_string().starts_with("invalid unicode code point") {
        format!("it is not UTF-8: {error}; convert it with iconv, for example -f LATIN1 -t UTF-8")
    } else {
        error.to_string()
    }
}

/// Appends up to `limit` bytes to `bytes`, fewer only at the end of the file.
fn read_up_to(source: &mut impl Read, limit: usize, bytes: &mut Vec<u8>) -> io::Result<usize> {
    source.take(limit as u64).read_to_end(bytes)
}

/// A reader that fails after more than `left` bytes.
struct Limited<'a, R> {
    source: R,
    left: &'a Cell<usize>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let left = self.left.get().checked_sub(read).ok_or_else(|| {
            io::Error::other(
                "an object is larger than 16 MiB; dump only what is imported: manage.py dumpdata auth.user authtoken chat",
            )
        })?;
        self.left.set(left);
        Ok(read)
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
struct Objects<'a, F> {
    each: F,
    refusal: Option<anyhow::Error>,
    /// The bytes that may be read for the current object.
    left: &'a Cell<usize>,
}

impl<'de, F: FnMut(Object) -> Result<()>> Visitor<'de> for &mut Objects<'_, F> {
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
            self.left.set(OBJECT_MAX);
        }
        Ok(())
    }
}
