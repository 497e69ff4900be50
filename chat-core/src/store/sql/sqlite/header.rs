//! The headers of a database file and of its WAL.
//!
//! See <https://sqlite.org/fileformat.html>.

use std::ops::RangeInclusive;

/// The length of the header of a database, in bytes.
pub(super) const DATABASE_BYTES: usize = 100;
/// The length of the header of a WAL, in bytes.
pub(super) const WAL_BYTES: usize = 32;

/// The start of the first page of every database.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// The start of every WAL, without the last bit.
///
/// That bit says whether the checksums are big-endian.
const WAL_MAGIC: u32 = 0x377f_0682;

/// The sizes that a page can have, in bytes.
const PAGE_SIZES: RangeInclusive<u32> = 512..=0x1_0000;

/// The header of a database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DatabaseHeader {
    /// The version numbers: 1 for a database without a WAL, 2 for one with a WAL.
    pub(super) versions: [u8; 2],
    /// The size of a page in bytes.
    pub(super) page_size: u32,
    /// The change counter.
    ///
    /// A write of page 1 increments it, unless the same connection was also the last one to write page 1.
    pub(super) counter: u32,
    /// The number of pages.
    ///
    /// `None` if the program that wrote the header did not update it.
    pub(super) pages: Option<u32>,
}

impl DatabaseHeader {
    /// Parses the start of a file; `None` if it is not that of a database.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let page_size = match u16::from_be_bytes(*bytes.get(16..)?.first_chunk()?) {
            // The field is too small for the largest size.
            1 => 0x1_0000,
            size => size.into(),
        };
        let counter = number(bytes, 24)?;
        Some(Self {
            versions: *bytes.get(18..)?.first_chunk()?,
            page_size,
            counter,
            pages: number(bytes, 28).filter(|_| number(bytes, 92) == Some(counter)),
        })
    }
}

/// The header of a WAL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WalHeader {
    pub(super) page_size: u32,
    /// Two numbers that each frame of the WAL repeats.
    pub(super) salts: [u32; 2],
    pub(super) checksum: Checksum,
}

impl WalHeader {
    /// Parses the start of a file.
    ///
    /// Returns `None` if it is not that of a WAL, or if its checksum is wrong.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let magic = number(bytes, 0)?;
        if magic & !1 != WAL_MAGIC {
            return None;
        }
        let page_size =
            number(bytes, 8).filter(|size| PAGE_SIZES.contains(size) && size.is_power_of_two())?;
        let mut checksum = Checksum { sums: [0, 0], is_big_endian: magic & 1 == 1 };
        checksum.add(bytes.get(..24)?);
        let header = Self { page_size, salts: [number(bytes, 16)?, number(bytes, 20)?], checksum };
        (checksum.sums == [number(bytes, 24)?, number(bytes, 28)?]).then_some(header)
    }
}

/// The checksum of a WAL up to some frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checksum {
    pub(super) sums: [u32; 2],
    is_big_endian: bool,
}

impl Checksum {
    /// Adds bytes. Their number must be a multiple of 8.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let word = if self.is_big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        let [mut a, mut b] = self.sums;
        let (words, _) = bytes.as_chunks::<4>();
        let (pairs, _) = words.as_chunks::<2>();
        for [first, second] in pairs {
            a = a.wrapping_add(word(*first)).wrapping_add(b);
            b = b.wrapping_add(word(*second)).wrapping_add(a);
        }
        self.sums = [a, b];
    }
}

/// Returns the big-endian number at an offset.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_a_database_is_parsed() {
        let mut bytes = [0; DATABASE_BYTES];
        bytes[..16].copy_from_slice(MAGIC);
        bytes[16..20].copy_from_slice(&[16, 0, 2, 2]);
        bytes[24..32].copy_from_slice(&[0, 0, 1, 2, 0, 0, 0, 9]);
        bytes[92..96].copy_from_slice(&[0, 0, 1, 2]);
        let expected = DatabaseHeader { versions: [2, 2], page_size: 4096, counter: 258, pages: Some(9) };
        assert_eq!(DatabaseHeader::parse(&bytes), Some(expected));
        // A program that does not know the number of pages changed the database.
        bytes[95] = 1;
        assert_eq!(DatabaseHeader::parse(&bytes), Some(DatabaseHeader { pages: None, ..expected }));
        bytes[16..18].copy_from_slice(&[0, 1]);
        assert_eq!(DatabaseHeader::parse(&bytes).map(|header| header.page_size), Some(0x1_0000));
        assert_eq!(DatabaseHeader::parse(&bytes[..27]), None);
        bytes[0] = b's';
        assert_eq!(DatabaseHeader::parse(&bytes), None);
    }

    /// Returns the header of a WAL with a right checksum.
    fn wal_header(page_size: u32, is_big_endian: bool) -> Vec<u8> {
        let magic = WAL_MAGIC | u32::from(is_big_endian);
        let mut bytes: Vec<u8> =
            [magic, 3_007_000, page_size, 0, 7, 8].into_iter().flat_map(u32::to_be_bytes).collect();
        let mut checksum = Checksum { sums: [0, 0], is_big_endian };
        checksum.add(&bytes);
        bytes.extend(checksum.sums.into_iter().flat_map(u32::to_be_bytes));
        bytes
    }

    #[test]
    fn the_header_of_a_wal_needs_a_possible_page_size_and_the_right_checksum() {
        for is_big_endian in [false, true] {
            for page_size in [512, 4096, 0x1_0000] {
                let header = WalHeader::parse(&wal_header(page_size, is_big_endian)).unwrap();
                assert_eq!((header.page_size, header.salts), (page_size, [7, 8]));
            }
            // No page has such a size. With the largest of them, a page would fill the memory.
            for page_size in [0, 256, 1000, 0x2_0000, 0x8000_0000] {
                assert_eq!(WalHeader::parse(&wal_header(page_size, is_big_endian)), None, "{page_size}");
            }
            let mut wrong = wal_header(4096, is_big_endian);
            wrong[16] ^= 1;
            assert_eq!(WalHeader::parse(&wrong), None);
        }
    }
}
