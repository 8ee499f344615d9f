//! A reader of JSON by spans: it checks the grammar and says where things are, and builds nothing.
//!
//! Bytes are passed on as they were received, so that numbers, escapes and the order of members survive.
//! Nesting costs no stack, whatever its depth.

use std::borrow::Cow;

use crate::credentials::Suspicion;

/// Where a value or a key stands in its text, in bytes. Of a string, the quotes belong to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The text it spans; empty where it does not lie within `text`.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Where a text stops being JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON at byte {at}: expected {expected}")]
pub struct Error {
    /// The offset of the first byte that does not fit.
    pub at: usize,
    /// What would have fitted.
    pub expected: &'static str,
}

type Result<T, E = Error> = std::result::Result<T, E>;

/// The longest text that is read, in bytes: any part of it fits an Arrow array.
pub const MAX_LENGTH: usize = 1 << 30;

/// Walks over one JSON text, once, from left to right.
#[derive(Debug)]
pub struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    suspicion: Suspicion,
}

impl<'a> Scanner<'a> {
    /// Starts before the first byte.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        Self { bytes: bytes.get(..MAX_LENGTH).unwrap_or(bytes), at: 0, suspicion: Suspicion::default() }
    }

    /// What the keys passed so far say about credentials.
    #[must_use]
    pub fn suspicion(&self) -> Suspicion {
        self.suspicion
    }

    /// The byte with which the next value starts.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        self.space();
        self.bytes.get(self.at).copied()
    }

    /// The offset of the next value's first byte.
    pub fn offset(&mut self) -> u32 {
        self.space();
        self.at as u32
    }

    /// Passes over an object; `member` gets each key and must pass over its value.
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, Span) -> Result<()>) -> Result<Span> {
        let start = self.offset();
        self.expect(b'{', "an object")?;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(self.since(start));
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.fail("a comma or the object's end"),
            }
        }
        self.at += 1;
        Ok(self.since(start))
    }

    /// Passes over an array; `element` must pass over each element.
    pub fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<()>) -> Result<Span> {
        let start = self.offset();
        self.expect(b'[', "an array")?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(self.since(start));
        }
        loop {
            element(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.fail("a comma or the array's end"),
            }
        }
        self.at += 1;
        Ok(self.since(start))
    }

    /// Passes over any value.
    pub fn value(&mut self) -> Result<Span> {
        let start = self.offset();
        let mut nesting = Nesting::default();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    // '[' and ']' are two apart in ASCII, and so are '{' and '}'.
                    if self.peek() == Some(open + 2) {
                        self.at += 1;
                    } else {
                        nesting.push(open == b'{');
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                _ => return self.fail("a value"),
            }
            loop {
                let Some(in_object) = nesting.top() else {
                    return Ok(self.since(start));
                };
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if in_object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if in_object => {}
                    Some(b']') if !in_object => {}
                    _ => return self.fail("a comma or an end"),
                }
                self.at += 1;
                nesting.pop();
            }
        }
    }

    /// Checks that nothing but white space is left.
    pub fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fail("the end of the text"),
        }
    }

    /// Passes over a key and its colon.
    fn key(&mut self) -> Result<Span> {
        let start = self.offset();
        if self.bytes.get(self.at) != Some(&b'"') {
            return self.fail("a key");
        }
        let escaped = self.string()?;
        let key = self.since(start);
        self.expect(b':', "a colon")?;
        self.space();
        let name = &self.bytes[start as usize + 1..key.end as usize - 1];
        self.suspicion.key(name, escaped, &self.bytes[self.at..]);
        Ok(key)
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<()> {
        if self.peek() != Some(byte) {
            return self.fail(expected);
        }
        self.at += 1;
        Ok(())
    }

    fn since(&self, start: u32) -> Span {
        Span { start, end: self.at as u32 }
    }

    #[cold]
    fn fail<T>(&self, expected: &'static str) -> Result<T> {
        Err(Error { at: self.at, expected })
    }

    /// Passes over a string that starts here; true if it has escapes.
    fn string(&mut self) -> Result<bool> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fail("no control character in a string"),
                None => return self.fail("the end of the string"),
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        self.at += match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
                    return self.fail("four hexadecimal digits");
                }
                6
            }
            _ => return self.fail("an escape"),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { self.fail("a digit") } else { Ok(()) }
    }

    fn literal(&mut self, literal: &'static [u8]) -> Result<()> {
        if !self.bytes[self.at..].starts_with(literal) {
            return self.fail("true, false or null");
        }
        self.at += literal.len();
        Ok(())
    }
}

/// The offset of the first quote, backslash or control character at or after `at`.
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Eight bytes at a time: a byte of `x - ONES * n` borrows its high bit exactly where it was below `n`, up to the
    // first such byte, and only the first one counts.
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let below = |x: u64, n: u64| x.wrapping_sub(ONES * n) & !x & HIGH;
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = quote | backslash | below(word, 0x20);
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

/// Which of the containers around a place are objects: a bit each, so that depth costs next to nothing.
#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    innermost: u64,
    outer: Vec<u64>,
}

impl Nesting {
    fn push(&mut self, object: bool) {
        if self.depth != 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.innermost);
        }
        self.innermost = self.innermost << 1 | u64::from(object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.innermost >>= 1;
        if self.depth.is_multiple_of(64)
            && let Some(outer) = self.outer.pop()
        {
            self.innermost = outer;
        }
    }

    fn top(&self) -> Option<bool> {
        (self.depth != 0).then_some(self.innermost & 1 == 1)
    }
}

/// The text that a JSON string stands for; `None` if it is no string, or holds a lone surrogate, which no text can hold.
#[must_use]
pub fn text(string: &str) -> Option<Cow<'_, str>> {
    let inner = string.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.as_bytes().contains(&b'\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(string).ok().map(Cow::Owned)
}

/// The first value under `key` in an object, as it stands there; `None` if there is none or `object` is no object.
#[must_use]
pub fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    let mut found = None;
    Scanner::new(object)
        .object(|scanner, name| {
            let value = scanner.value()?;
            if found.is_none() && text(name.of(object)).is_some_and(|n| n == key) {
                found = Some(value.of(object));
            }
            Ok(())
        })
        .ok()?;
    found
}

/// The elements of an array as they stand there; none if `array` is no array.
#[must_use]
pub fn elements(array: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let walked = Scanner::new(array).array(|scanner| {
        found.push(scanner.value()?.of(array));
        Ok(())
    });
    if walked.is_err() {
        found.clear();
    }
    found
}

/// The same JSON without the white space between its tokens.
///
/// # Errors
/// Where `json` is not JSON.
pub fn minify(json: &str) -> Result<Cow<'_, str>> {
    let mut scanner = Scanner::new(json);
    scanner.value()?;
    scanner.end()?;
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    let bytes = json.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let mut string = Scanner { bytes, at, suspicion: Suspicion::default() };
                string.string()?;
                at = string.at;
            }
            b' ' | b'\t' | b'\n' | b'\r' => {
                out.push_str(&json[copied..at]);
                at += 1;
                copied = at;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(json));
    }
    out.push_str(&json[copied..]);
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(json: &str) -> Result<Span> {
        let mut scanner = Scanner::new(json);
        let span = scanner.value()?;
        scanner.end()?;
        Ok(span)
    }

    #[test]
    fn it_accepts_what_is_json_and_nothing_else() {
        for json in [
            "null",
            " [ ] ",
            "{}",
            r#"{"a":[1,-0.5e+3,true,false,null,"\ud800"],"b":{"c":{}}}"#,
            "0",
            "\"\\u0000\"",
            "[[[]]]",
            "\"eight by\"",
            "\"eight bytes and more é\"",
            "12345678901234567890123",
        ] {
            assert!(check(json).is_ok(), "{json}");
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok(), "{json}");
        }
        for not in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            "-",
            "1e",
            "tru",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"a\nb\"",
            "[1 2]",
            "{}{}",
            "[}",
            "{\"a\":1]",
            "'a'",
            "+1",
            ".5",
            "\u{feff}1",
            "nul",
        ] {
            assert!(check(not).is_err(), "{not}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = 200_000;
        let json = format!("{}1{}", "[{\"a\":".repeat(deep), "}]".repeat(deep));
        assert!(check(&json).is_ok());
        assert!(check(&json[..json.len() - 1]).is_err());
        assert!(check(&json.replacen("}]", "]}", 1)).is_err());
    }

    #[test]
    fn members_and_texts() {
        let json = r#"{"a":1,"na\u006de":"x","name":"y","n":[1, {"b":2}]}"#;
        assert_eq!(member(json, "name"), Some("\"x\""));
        assert_eq!(elements(member(json, "n").unwrap()), ["1", "{\"b\":2}"]);
        assert_eq!(text("\"a\\ud83d\\ude00\\u0000\"").unwrap(), "a😀\0");
        assert_eq!(text("\"\\ud83d\""), None);
        assert_eq!(text("12"), None);
        assert_eq!(text("\""), None);
    }

    #[test]
    fn minified_only_between_tokens() {
        assert_eq!(minify(" { \"a b\" : [ 1 ,\n\"c \\\" d\" ] } ").unwrap(), r#"{"a b":[1,"c \" d"]}"#);
        assert!(matches!(minify("{\"a\":1}").unwrap(), Cow::Borrowed(_)));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Into::into),
            ".*".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec((".*", inner), 0..6)
                    .prop_map(|m| m.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_passes_over_any_json(value in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert!(check(&text).is_ok());
            prop_assert_eq!(minify(&text).unwrap(), serde_json::to_string(&value).unwrap());
        }

        #[test]
        fn it_agrees_with_the_library_on_any_text(text in r#"[\[\]{}",:0-9eE.\\u+\- a-zé\n]{0,24}"#) {
            prop_assert_eq!(check(&text).is_ok(), serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
        }
    }
}
