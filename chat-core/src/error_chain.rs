//! An error displayed together with its causes.

use std::{error::Error, fmt};

/// Displays an error and its sources, joined by `": "`.
///
/// The errors of this crate do not repeat their source in their own text, so a log line or a message to a person needs
/// the whole chain. Errors of other crates, such as sqlx, often end with the text of their source. Therefore a source
/// is left out if the text before it already ends with the text of the source.
///
/// ```
/// use std::{fmt, io};
///
/// #[derive(Debug)]
/// struct LoadError(io::Error);
///
/// impl fmt::Display for LoadError {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("the settings cannot be read")
///     }
/// }
///
/// impl std::error::Error for LoadError {
///     fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
///         Some(&self.0)
///     }
/// }
///
/// let error = LoadError(io::Error::other("disk failure"));
/// let text = chat_core::error_chain(&error).to_string();
/// assert_eq!(text, "the settings cannot be read: disk failure");
/// ```
pub fn error_chain<'a>(error: &'a (dyn Error + 'static)) -> impl fmt::Display + use<'a> {
    Chain(error)
}

struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !last.ends_with(&text) {
                write!(f, ": {text}")?;
                last = text;
            }
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    fn chain(texts: &[&'static str]) -> String {
        let error = texts.iter().rev().fold(None, |source, text| Some(Box::new(Layer(text, source))));
        error_chain(&*error.unwrap()).to_string()
    }

    #[test]
    fn each_cause_follows_after_a_colon() {
        assert_eq!(chain(&["not available"]), "not available");
        assert_eq!(
            chain(&["not available", "no connection", "refused"]),
            "not available: no connection: refused"
        );
    }

    #[test]
    fn a_cause_is_not_repeated_if_the_text_before_it_ends_with_it() {
        assert_eq!(chain(&["failed", "statement: disk full", "disk full"]), "failed: statement: disk full");
        assert_eq!(chain(&["disk full", "disk", "x"]), "disk full: disk: x");
    }
}
