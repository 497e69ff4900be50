//! The token of a signed-in user: a secret.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A token, in plain text.
///
/// `Debug` does not show it; [`Token::expose`] returns the text.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(description = "Stands for a user who has signed in; a secret."))]
#[serde(transparent)]
pub struct Token(#[cfg_attr(feature = "schema", schemars(regex(pattern = "^[0-9a-f]{40}$")))] String);

impl Token {
    /// Returns the token with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// Returns the text, for an `Authorization` header or for the owner.
    ///
    /// No log may contain it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn debug_hides_the_secret() {
        assert_eq!(format!("{:?}", super::Token::new("5ec2e7")), "Token(…)");
    }
}
