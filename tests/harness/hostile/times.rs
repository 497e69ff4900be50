//! Points in time.

use chat_core::api::Timestamp;

/// Any bytes as a time, and the first eight as a number of microseconds: what is read is written so that it is read
/// again as the same, and what cannot be written is the nearest that can.
///
/// # Panics
/// When a time does not come back.
pub fn timestamp(bytes: &[u8]) {
    let read = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<Timestamp>().ok());
    let number = bytes.first_chunk().map(|bytes| Timestamp::from_micros(i64::from_le_bytes(*bytes)));
    for time in [read, number].into_iter().flatten() {
        let written = time.to_string();
        assert!(written.ends_with('Z') && written.is_ascii(), "{written}");
        // Years before the first are written with four digits and a sign, which no reader of ours is owed.
        if written.starts_with('-') {
            continue;
        }
        let fraction = written.split_once('.').map(|(_, fraction)| fraction.trim_end_matches('Z'));
        assert!(fraction.is_none_or(|digits| digits.len() == 6 && digits != "000000"), "{written}");
        let again: Timestamp = written.parse().expect("what was written is read");
        assert!(again == time || written.starts_with("9999-12-30"), "{written}");
        let json = serde_json::to_string(&time).expect("JSON");
        assert_eq!(json, format!("\"{written}\""));
    }
}
