//! The headers in which proxies describe the client.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| chat_tests::hostile::forwarded(bytes));
