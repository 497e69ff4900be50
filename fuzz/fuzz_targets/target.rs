//! What a request is sent to, whole.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_tests::hostile::target(bytes));
