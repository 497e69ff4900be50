//! Dumps of the Django service that chat-server replaces.
//!
//! The code that reads them is part of a program without a library, so it is compiled into this target.

#![no_main]

#[path = "../../chat-server/src/program/import"]
mod import {
    mod django;
    mod dump;
    mod fields;
    mod format;
    pub(crate) mod hostile;
    mod report;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| import::hostile::dump(bytes));
