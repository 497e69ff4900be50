//! Generation and hashing of tokens.

use crate::{Error, api::Token, store::TokenHash};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Random bytes of a token: 160 bits, 40 hexadecimal digits.
const BYTES: usize = 20;

/// Generates a token from the operating system's random numbers.
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

/// Returns the hash by which a store identifies a token.
///
/// SHA-256: a fast hash is enough, since 160 random bits cannot be guessed.
pub fn hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token).into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_token_is_forty_random_hex_digits() {
        let (one, other) = (super::generate().unwrap(), super::generate().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.expose().len(), 40);
        assert!(one.expose().bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    }
}
