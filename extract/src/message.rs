//! What the API says about a request that it refuses, fit for an error or a `done` line.

use schemas::json;

use crate::Key;

/// The longest text of the API that is repeated, in characters.
const LONGEST: usize = 300;

/// The `code` and `message` of an answer's body, and nothing else of it; empty if it has neither.
pub(crate) fn of_body(body: &str, key: &Key) -> String {
    let text = |name| json::member(body, name).and_then(json::text).map(|t| clean(&t, key)).filter(|t| !t.is_empty());
    match (text("code"), text("message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (one, other) => one.or(other).unwrap_or_default(),
    }
}

/// A text from outside on one line, without the key, shortened.
pub(crate) fn clean(text: &str, key: &Key) -> String {
    // In this order: a control character within the key, or the cut, must not hide it.
    let visible: String = text.chars().filter(|c| !c.is_control()).collect();
    let redacted = key.redact(&visible);
    match redacted.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &redacted[..end]),
        None => redacted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_message_and_nothing_else() {
        let key = Key::new("sk_test_1").unwrap();
        let of = |body: &str| of_body(body, &key);
        assert_eq!(of(r#"{"message":"No.","code":"forbidden","token":"S"}"#), "forbidden: No.");
        assert_eq!(of(r#"{"message":"No."}"#), "No.");
        assert_eq!(of(r#"{"code":"","message":["S"]}"#), "");
        assert_eq!(of("<html>"), "");
        assert_eq!(of(r#"{"message":"the key sk_te\u0000st_1\nis bad"}"#), "the key [key]is bad");
    }

    #[test]
    fn a_long_text_is_cut_after_the_key_is_gone() {
        let key = Key::new("sk_test_1").unwrap();
        let cut = clean(&format!("{}sk_test_1", "é".repeat(295)), &key);
        assert_eq!(cut, format!("{}[key]", "é".repeat(295)));
        assert_eq!(clean(&"é".repeat(301), &key), format!("{}…", "é".repeat(300)));
    }
}
