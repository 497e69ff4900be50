//! Packed lists: ascending ids of messages, in about two bytes each.
//!
//! An entry has two values: the [`Origin`] of the message, and the difference of its id from the previous id. The first
//! byte has the origin in its two lowest bits, and then five bits of the difference. Each further byte has seven bits
//! of the difference. The highest bit of a byte is set if another byte follows.

/// The sender of a message, as seen from one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Origin {
    /// In the list of a user: another user. In the list of a thread: the participant with the higher id.
    Other = 0,
    /// In the list of a user: that user. In the list of a thread: the participant with the lower id.
    Own = 1,
    /// In the list of a thread: a user who is not a participant. Only imported threads have such messages.
    Outside = 2,
}

impl Origin {
    /// Returns the origin with this number.
    ///
    /// # Errors
    /// [`Malformed::Origin`] for every other number.
    pub(super) const fn new(number: u8) -> Result<Self, Malformed> {
        match number {
            0 => Ok(Self::Other),
            1 => Ok(Self::Own),
            2 => Ok(Self::Outside),
            _ => Err(Malformed::Origin),
        }
    }
}

/// A message in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) origin: Origin,
}

/// The reason why a stored list cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("a packed list ends within an entry")]
    Truncated,
    #[error("an entry of a packed list is too large")]
    TooLarge,
    #[error("the ids of a packed list do not ascend")]
    Order,
    #[error("an entry of a packed list has an unknown origin")]
    Origin,
}

/// A packed list to which entries are appended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Packer {
    bytes: Vec<u8>,
    first: i64,
    last: i64,
    entries: i64,
}

impl Packer {
    /// Continues a packed list.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are not a packed list.
    pub(super) fn resume(bytes: Vec<u8>) -> Result<Self, Malformed> {
        let (mut first, mut last, mut entries) = (0, 0, 0);
        for entry in decode(&bytes) {
            last = entry?.id;
            if entries == 0 {
                first = last;
            }
            entries += 1;
        }
        Ok(Self { bytes, first, last, entries })
    }

    /// Packs entries.
    ///
    /// # Errors
    /// [`Malformed::Order`] if their ids do not ascend.
    pub(super) fn of(entries: impl IntoIterator<Item = Entry>) -> Result<Self, Malformed> {
        let mut packer = Self::default();
        entries.into_iter().try_for_each(|entry| packer.push(entry))?;
        Ok(packer)
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// [`Malformed::Order`] if its id is not above all others, or not positive.
    pub(super) fn push(&mut self, entry: Entry) -> Result<(), Malformed> {
        let difference = entry.id.checked_sub(self.last).filter(|difference| *difference > 0);
        let difference = difference.ok_or(Malformed::Order)?.unsigned_abs();
        let mut byte = (difference & 0x1f) as u8 * 4 + entry.origin as u8;
        let mut rest = difference >> 5;
        while rest > 0 {
            self.bytes.push(byte | 0x80);
            byte = (rest & 0x7f) as u8;
            rest >>= 7;
        }
        self.bytes.push(byte);
        if self.entries == 0 {
            self.first = entry.id;
        }
        self.last = entry.id;
        self.entries += 1;
        Ok(())
    }

    /// Returns the lowest id; 0 if there is none.
    pub(super) const fn first(&self) -> i64 {
        self.first
    }

    /// Returns the number of entries.
    pub(super) const fn entries(&self) -> i64 {
        self.entries
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Returns the entries of a packed list. The iterator ends after an error.
pub(crate) const fn decode(bytes: &[u8]) -> Entries<'_> {
    Entries { rest: bytes, last: 0 }
}

/// The entries of a packed list.
#[derive(Debug, Clone)]
pub(crate) struct Entries<'a> {
    rest: &'a [u8],
    last: i64,
}

impl Entries<'_> {
    fn entry(&mut self, mut byte: u8) -> Result<Entry, Malformed> {
        let origin = Origin::new(byte & 3)?;
        let mut difference = i64::from(byte >> 2 & 0x1f);
        let mut shift = 5;
        while byte >= 0x80 {
            let (&next, rest) = self.rest.split_first().ok_or(Malformed::Truncated)?;
            (byte, self.rest) = (next, rest);
            let bits = i64::from(byte & 0x7f);
            // From bit 61 on, an `i64` has only two bits below its sign.
            if shift > 61 || shift == 61 && bits > 3 {
                return Err(Malformed::TooLarge);
            }
            difference |= bits << shift;
            shift += 7;
        }
        if difference == 0 {
            return Err(Malformed::Order);
        }
        self.last = self.last.checked_add(difference).ok_or(Malformed::TooLarge)?;
        Ok(Entry { id: self.last, origin })
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        let entry = self.entry(byte);
        if entry.is_err() {
            self.rest = &[];
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn list() -> impl Strategy<Value = Vec<Entry>> {
        let difference = prop_oneof![1..200_i64, 1..1_i64 << 30, 1..i64::MAX];
        vec((difference, 0..3_u8), 0..300).prop_map(|differences| {
            let mut last: i64 = 0;
            let entries = differences.into_iter().map_while(|(difference, origin)| {
                last = last.checked_add(difference)?;
                Some(Entry { id: last, origin: Origin::new(origin).unwrap() })
            });
            entries.collect()
        })
    }

    proptest! {
        #[test]
        fn a_packed_list_has_the_entries_that_were_appended(entries in list(), split in 0..300_usize) {
            let packer = Packer::of(entries.iter().copied()).unwrap();
            let decoded: Result<Vec<Entry>, Malformed> = decode(packer.bytes()).collect();
            prop_assert_eq!(decoded.unwrap(), entries.clone());
            let (before, after) = entries.split_at(split.min(entries.len()));
            let mut resumed = Packer::resume(Packer::of(before.iter().copied()).unwrap().into_bytes()).unwrap();
            after.iter().for_each(|entry| resumed.push(*entry).unwrap());
            prop_assert_eq!(resumed, packer);
        }

        #[test]
        fn any_bytes_are_a_list_or_an_error(bytes in vec(any::<u8>(), 0..40)) {
            let decoded: Vec<_> = decode(&bytes).collect();
            let errors = decoded.iter().filter(|entry| entry.is_err()).count();
            prop_assert!(errors <= 1 && decoded.len() <= bytes.len());
            if let Ok(packer) = Packer::resume(bytes) {
                let ids: Vec<i64> = decoded.into_iter().map(|entry| entry.unwrap().id).collect();
                prop_assert!(ids.is_sorted_by(|a, b| a < b) && ids.iter().all(|id| *id > 0));
                prop_assert_eq!(packer.entries(), i64::try_from(ids.len()).unwrap());
            }
        }
    }

    #[test]
    fn near_ids_take_one_byte() {
        let near = (1..=100).map(|n| Entry { id: n * 31, origin: Origin::Own });
        assert_eq!(Packer::of(near).unwrap().bytes().len(), 100);
    }

    #[test]
    fn each_kind_of_malformed_bytes_is_reported() {
        let error = |bytes: &[u8]| Packer::resume(bytes.to_vec()).unwrap_err();
        assert_eq!(error(&[0x84]), Malformed::Truncated);
        assert_eq!(error(&[0x00]), Malformed::Order);
        assert_eq!(error(&[0x07]), Malformed::Origin);
        assert_eq!(error(&[0x84, 255, 255, 255, 255, 255, 255, 255, 255, 4]), Malformed::TooLarge);
        assert_eq!(error(&[0x84, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1]), Malformed::TooLarge);
        let highest = Packer::of([Entry { id: i64::MAX, origin: Origin::Own }]).unwrap().into_bytes();
        assert_eq!(error(&[&*highest, &[0x04]].concat()), Malformed::TooLarge);
        assert_eq!(Packer::of([1, 1].map(|id| Entry { id, origin: Origin::Own })), Err(Malformed::Order));
    }
}
