//! A form as browsers send it.

use super::{Fields, Value};

/// Reads `application/x-www-form-urlencoded`. Of a repeated name the last value counts; all values are texts.
pub(crate) fn fields(body: &[u8]) -> Fields<'_> {
    let mut fields = Fields::form();
    for (name, value) in form_urlencoded::parse(body) {
        fields.insert(name, Value::Text(value));
    }
    fields
}
