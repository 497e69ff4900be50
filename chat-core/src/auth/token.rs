//! Making tokens and recognising them.

use crate::{Error, api::Token, store::TokenHash};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Bytes of randomness in a token: 160 bits, 40 hexadecimal digits.
const BYTES: usize = 20;

/// A token from the operating system's randomness.
pub(crate) fn generate() -> Result<Token, Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(Error::fault)?;
    let mut text = String::with_capacity(2 * BYTES);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(Token::new(text))
}

/// What the store keeps of a token. A fast hash will do: there is nothing to guess in 160 random bits.
pub fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token).into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn forty_hex_digits_each_time_others() {
        let (one, other) = (super::generate().unwrap(), super::generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), 40);
        assert!(one.expose().bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    }
}
