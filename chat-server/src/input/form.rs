//! Reads a form as browsers send it.

use super::value::Value;

/// Reads the named values of `application/x-www-form-urlencoded`.
///
/// All values are texts. If a name is repeated, the last value is used.
pub(super) fn values<'a, const N: usize>(body: &'a [u8], names: [&'static str; N]) -> [Option<Value<'a>>; N] {
    let mut values = [const { None }; N];
    for (name, value) in form_urlencoded::parse(body) {
        let index = names.iter().position(|known| *known == name);
        if let Some(slot) = index.and_then(|index| values.get_mut(index)) {
            *slot = Some(Value::Text(value));
        }
    }
    values
}
