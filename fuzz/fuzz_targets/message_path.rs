//! Message ids in paths.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_tests::hostile::message_path(bytes));
