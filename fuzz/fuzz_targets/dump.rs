//! Dumps of the Django service that chat-server replaces.
//!
//! The code that reads them belongs to the program chat-server and is not public in its library. So it is compiled into
//! this target.

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
