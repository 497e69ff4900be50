//! Dumps of the service this one succeeds. The program that imports them has no library, so its reader is compiled in.

#![no_main]

mod import {
    #[path = "../../../chat-server/src/program/import/django.rs"]
    mod django;
    #[path = "../../../chat-server/src/program/import/dump.rs"]
    mod dump;
    #[path = "../../../chat-server/src/program/import/fields.rs"]
    mod fields;
    #[path = "../../../chat-server/src/program/import/hostile.rs"]
    pub(crate) mod hostile;
    #[path = "../../../chat-server/src/program/import/report.rs"]
    mod report;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| import::hostile::dump(bytes));
