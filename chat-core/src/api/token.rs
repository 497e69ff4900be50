//! The secret that stands for a signed-in user.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A token as its owner holds it. `Debug` does not show it; ask for the text with [`Token::expose`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(description = "Stands for a user who has signed in; a secret."))]
#[serde(transparent)]
pub struct Token(#[cfg_attr(feature = "schema", schemars(regex(pattern = "^[0-9a-f]{40}$")))] String);

impl Token {
    /// The token with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The text itself: for an `Authorization` header or the owner's keeping, never for a log.
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
