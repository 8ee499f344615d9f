//! The key of the API, wrapped so that nothing prints it.

use std::fmt;

use reqwest::header::HeaderValue;

/// What stands for the key wherever a text would hold it.
const REDACTED: &str = "[key]";

/// A secret key of the API. Neither `Debug` nor an error shows any of it.
#[derive(Clone)]
pub struct Key(String);

impl Key {
    /// The key in that text, less the white space around it.
    ///
    /// # Errors
    /// If nothing is left, or something that no header can carry.
    pub fn new(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(KeyError::Characters);
        }
        Ok(Self(text.to_owned()))
    }

    /// The value of the header `Authorization`, marked so that HTTP logs leave it out.
    pub(crate) fn authorization(&self) -> Result<HeaderValue, KeyError> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).map_err(|_| KeyError::Characters)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// True if the text holds the key.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        text.contains(&self.0)
    }

    /// The text with every occurrence of the key replaced, in upper or lower case: a host name comes in lower case.
    pub(crate) fn redact(&self, text: &str) -> String {
        let (folded, key) = (text.to_ascii_lowercase(), self.0.to_ascii_lowercase());
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for (at, found) in folded.match_indices(&key) {
            out.push_str(&text[copied..at]);
            out.push_str(REDACTED);
            copied = at + found.len();
        }
        out.push_str(&text[copied..]);
        out
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is nothing in it.
    #[error("the API key is empty: set WORKOS_API_KEY or pass --api-key-file")]
    Empty,
    /// White space within it, or characters beyond ASCII.
    #[error("the API key holds white space or characters beyond ASCII: check how it was copied")]
    Characters,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_it() {
        let key = Key::new(" sk_test_1\n").unwrap();
        assert_eq!(format!("{key:?}"), "[key]");
        assert!(!format!("{:?}", key.authorization().unwrap()).contains("sk_test_1"));
        assert_eq!(key.authorization().unwrap(), "Bearer sk_test_1");
        assert_eq!(key.redact("é sk_test_1 b SK_Test_1"), "é [key] b [key]");
    }

    #[test]
    fn what_is_no_key() {
        assert_eq!(Key::new(" \n").unwrap_err(), KeyError::Empty);
        assert_eq!(Key::new("sk_a\nsk_b").unwrap_err(), KeyError::Characters);
        assert_eq!(Key::new("sk_ä").unwrap_err(), KeyError::Characters);
    }
}
