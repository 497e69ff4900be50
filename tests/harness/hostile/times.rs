//! Hostile timestamps.

use chat_core::api::Timestamp;

/// Reads any bytes as a time, and the first eight as microseconds.
///
/// Each time from year 0 on is written and read again. The second reading must return the same time. A time out of
/// range is written as the nearest time in range.
///
/// # Panics
/// If the second reading fails or returns another time.
pub fn timestamp(bytes: &[u8]) {
    let read = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<Timestamp>().ok());
    let number = bytes.first_chunk().map(|bytes| Timestamp::from_micros(i64::from_le_bytes(*bytes)));
    for time in [read, number].into_iter().flatten() {
        let written = time.to_string();
        assert!(written.ends_with('Z') && written.is_ascii(), "{written}");
        // A year before year 0 is written with a sign. The contract does not require that such a time can be read.
        if written.starts_with('-') {
            continue;
        }
        let fraction = written.split_once('.').map(|(_, fraction)| fraction.trim_end_matches('Z'));
        assert!(fraction.is_none_or(|digits| digits.len() == 6 && digits != "000000"), "{written}");
        let again: Timestamp = written.parse().expect("the written time can be read");
        assert!(again == time || written.starts_with("9999-12-30"), "{written}");
        let json = serde_json::to_string(&time).expect("JSON");
        assert_eq!(json, format!("\"{written}\""));
    }
}
