//! The name of a part of the database address, for errors.

use std::fmt;

/// The name of a part of the database address, and where it is set.
///
/// `Display` has no value of the part, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressPart {
    /// A parameter of the address.
    Parameter(String),
    /// An environment variable that sets a parameter.
    Variable(String),
}

impl fmt::Display for AddressPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) => {
                write!(f, "the parameter {} of the database address", name.escape_debug())
            }
            Self::Variable(name) => write!(f, "the variable {name}"),
        }
    }
}
