//! Dumps of the Django service that this one replaces.
//!
//! The program that imports them has no library, so its reader is compiled into the target.

#![no_main]

#[path = "../../chat-server/src/program/import"]
mod import {
    mod django;
    mod dump;
    mod fields;
    pub(crate) mod hostile;
    mod report;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| import::hostile::dump(bytes));
