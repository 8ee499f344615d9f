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
    /// Whether it is a string with escapes.
    pub escaped: bool,
}

impl Span {
    /// The text it spans; empty where it does not lie within `text`.
    #[must_use]
    #[inline]
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
    notes: Notes,
}

/// What the functions below leave behind besides the place that they reached.
#[derive(Debug, Default)]
struct Notes {
    suspicion: Suspicion,
    error: Option<Error>,
}

impl Notes {
    #[cold]
    fn fail<T>(&mut self, at: usize, expected: &'static str) -> Option<T> {
        self.error = Some(Error { at, expected });
        None
    }
}

impl<'a> Scanner<'a> {
    /// Starts before the first byte.
    #[must_use]
    #[inline]
    pub fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        Self { bytes: bytes.get(..MAX_LENGTH).unwrap_or(bytes), at: 0, notes: Notes::default() }
    }

    /// What the keys passed so far say about credentials.
    #[must_use]
    pub fn suspicion(&self) -> Suspicion {
        self.notes.suspicion
    }

    /// The byte with which the next value starts.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        self.at = space(self.bytes, self.at);
        self.bytes.get(self.at).copied()
    }

    /// Passes over an object; `member` gets each key and must pass over its value.
    #[inline]
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, Span) -> Result<()>) -> Result<Span> {
        self.container(b'{', "an object", |scanner| {
            let start = scanner.at;
            let (end, escaped, value) = scanner.reached(|bytes, notes| key(bytes, start, notes))?;
            scanner.at = value;
            member(scanner, Span { start: start as u32, end: end as u32, escaped })
        })
    }

    /// Passes over an array; `element` must pass over each element.
    #[inline]
    pub fn array(&mut self, element: impl FnMut(&mut Self) -> Result<()>) -> Result<Span> {
        self.container(b'[', "an array", element)
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a call for each member costs as much as the member")]
    fn container(
        &mut self,
        open: u8,
        expected: &'static str,
        mut part: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<Span> {
        if self.peek() != Some(open) {
            return self.fail(expected);
        }
        let start = self.at as u32;
        self.at += 1;
        // '[' and ']' are two apart in ASCII, and so are '{' and '}'.
        let close = open + 2;
        if self.peek() != Some(close) {
            loop {
                part(self)?;
                match self.peek() {
                    Some(b',') => self.at = space(self.bytes, self.at + 1),
                    Some(end) if end == close => break,
                    _ => return self.fail("a comma or an end"),
                }
            }
        }
        self.at += 1;
        Ok(Span { start, end: self.at as u32, escaped: false })
    }

    /// Passes over any value.
    #[inline]
    pub fn value(&mut self) -> Result<Span> {
        let start = space(self.bytes, self.at);
        let (end, escaped) = self.reached(|bytes, notes| value(bytes, start, notes))?;
        self.at = end;
        Ok(Span { start: start as u32, end: end as u32, escaped })
    }

    /// Checks that nothing but white space is left.
    pub fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fail("the end of the text"),
        }
    }

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    fn reached<T>(&mut self, walk: impl FnOnce(&'a [u8], &mut Notes) -> Option<T>) -> Result<T> {
        match walk(self.bytes, &mut self.notes) {
            Some(reached) => Ok(reached),
            None => self.fail("a value"),
        }
    }

    #[cold]
    fn fail<T>(&mut self, expected: &'static str) -> Result<T> {
        Err(self.notes.error.take().unwrap_or(Error { at: self.at, expected }))
    }
}

// The functions below take and give places instead of keeping them, so that places stay in registers. Each gives the
// place behind what it passed over, or nothing and leaves the error in the notes. Behind the end there are zeros, which
// no token holds: the end and a wrong byte are one case.

#[inline]
fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

#[inline]
fn space(bytes: &[u8], mut at: usize) -> usize {
    while let b' ' | b'\t' | b'\n' | b'\r' = byte(bytes, at) {
        at += 1;
    }
    at
}

/// A value that starts here; true if it is a string with escapes.
#[inline]
fn value(bytes: &[u8], at: usize, notes: &mut Notes) -> Option<(usize, bool)> {
    match byte(bytes, at) {
        b'"' => string(bytes, at, notes),
        b'{' => Some((nested(bytes, at + 1, true, notes)?, false)),
        b'[' => Some((nested(bytes, at + 1, false, notes)?, false)),
        _ => Some((scalar(bytes, at, notes)?, false)),
    }
}

#[inline]
fn scalar(bytes: &[u8], at: usize, notes: &mut Notes) -> Option<usize> {
    match byte(bytes, at) {
        b'"' => string(bytes, at, notes).map(|(end, _)| end),
        b'-' | b'0'..=b'9' => number(bytes, at, notes),
        b't' => literal(bytes, at, b"true", notes),
        b'f' => literal(bytes, at, b"false", notes),
        b'n' => literal(bytes, at, b"null", notes),
        _ => notes.fail(at, "a value"),
    }
}

/// The rest of an object or array whose bracket is passed, whatever is nested in it.
fn nested(bytes: &[u8], mut at: usize, mut in_object: bool, notes: &mut Notes) -> Option<usize> {
    let mut around = Nesting::default();
    let mut empty = true;
    loop {
        at = space(bytes, at);
        if !(empty && byte(bytes, at) == if in_object { b'}' } else { b']' }) {
            if in_object {
                (_, _, at) = key(bytes, at, notes)?;
            }
            let first = byte(bytes, at);
            if first == b'{' || first == b'[' {
                around.push(in_object);
                in_object = first == b'{';
                empty = true;
                at += 1;
                continue;
            }
            at = scalar(bytes, at, notes)?;
        }
        loop {
            at = space(bytes, at);
            let found = byte(bytes, at);
            if found == b',' {
                at += 1;
                empty = false;
                break;
            }
            if found != if in_object { b'}' } else { b']' } {
                return notes.fail(at, "a comma or an end");
            }
            at += 1;
            match around.pop() {
                Some(outer) => in_object = outer,
                None => return Some(at),
            }
        }
    }
}

/// A key and its colon: the place behind the key, whether it has escapes, and the place of the value.
#[inline]
fn key(bytes: &[u8], start: usize, notes: &mut Notes) -> Option<(usize, bool, usize)> {
    if byte(bytes, start) != b'"' {
        return notes.fail(start, "a key");
    }
    let (end, escaped) = string(bytes, start, notes)?;
    let colon = space(bytes, end);
    if byte(bytes, colon) != b':' {
        return notes.fail(colon, "a colon");
    }
    let value = space(bytes, colon + 1);
    notes.suspicion.key(&bytes[start + 1..end - 1], escaped, &bytes[value.min(bytes.len())..]);
    Some((end, escaped, value))
}

/// A string that starts here; true if it has escapes.
#[inline]
fn string(bytes: &[u8], at: usize, notes: &mut Notes) -> Option<(usize, bool)> {
    let end = plain_end(bytes, at + 1);
    if byte(bytes, end) == b'"' {
        return Some((end + 1, false));
    }
    Some((escaped_end(bytes, end, notes)?, true))
}

/// The end of a string whose plain part ends here.
fn escaped_end(bytes: &[u8], mut at: usize, notes: &mut Notes) -> Option<usize> {
    loop {
        match byte(bytes, at) {
            b'"' => return Some(at + 1),
            b'\\' => match byte(bytes, at + 1) {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' if bytes.get(at + 2..at + 6).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) => at += 6,
                b'u' => return notes.fail(at, "four hexadecimal digits"),
                _ => return notes.fail(at, "an escape"),
            },
            _ if at >= bytes.len() => return notes.fail(at, "the end of the string"),
            _ => return notes.fail(at, "no control character in a string"),
        }
        at = plain_end(bytes, at);
    }
}

fn number(bytes: &[u8], mut at: usize, notes: &mut Notes) -> Option<usize> {
    if byte(bytes, at) == b'-' {
        at += 1;
    }
    at = if byte(bytes, at) == b'0' { at + 1 } else { digits(bytes, at, notes)? };
    if byte(bytes, at) == b'.' {
        at = digits(bytes, at + 1, notes)?;
    }
    if let b'e' | b'E' = byte(bytes, at) {
        at += 1;
        if let b'+' | b'-' = byte(bytes, at) {
            at += 1;
        }
        at = digits(bytes, at, notes)?;
    }
    Some(at)
}

fn digits(bytes: &[u8], start: usize, notes: &mut Notes) -> Option<usize> {
    let mut at = start;
    while byte(bytes, at).is_ascii_digit() {
        at += 1;
    }
    if at == start { notes.fail(at, "a digit") } else { Some(at) }
}

#[inline]
fn literal(bytes: &[u8], at: usize, literal: &'static [u8], notes: &mut Notes) -> Option<usize> {
    let end = at + literal.len();
    if bytes.get(at..end) == Some(literal) { Some(end) } else { notes.fail(at, "true, false or null") }
}

/// The offset of the first quote, backslash or control character at or after `at`.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Eight bytes at a time: a byte of `x - ONES * n` borrows its high bit exactly where it was below `n`, up to the
    // first such byte, and only the first one counts.
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let found = (quote.wrapping_sub(ONES) & !quote
            | backslash.wrapping_sub(ONES) & !backslash
            | word.wrapping_sub(ONES * 0x20) & !word)
            & HIGH;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    last_plain_end(bytes, at)
}

#[cold]
fn last_plain_end(bytes: &[u8], at: usize) -> usize {
    let plain = |byte: &u8| *byte != b'"' && *byte != b'\\' && *byte >= 0x20;
    at + bytes.get(at..).map_or(0, |rest| rest.iter().take_while(|b| plain(b)).count())
}

/// Which of the containers around a place are objects: a bit each, so that depth costs next to nothing.
#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    innermost: u64,
    outer: Vec<u64>,
}

impl Nesting {
    #[inline]
    fn push(&mut self, object: bool) {
        if self.depth != 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.innermost);
        }
        self.innermost = self.innermost << 1 | u64::from(object);
        self.depth += 1;
    }

    #[inline]
    fn pop(&mut self) -> Option<bool> {
        if self.depth == 0 {
            return None;
        }
        let top = self.innermost & 1 == 1;
        self.depth -= 1;
        self.innermost >>= 1;
        if self.depth.is_multiple_of(64)
            && let Some(outer) = self.outer.pop()
        {
            self.innermost = outer;
        }
        Some(top)
    }
}

/// The text that a JSON string stands for; `None` if it is no string, or holds a lone surrogate, which no text can hold.
#[must_use]
pub fn text(string: &str) -> Option<Cow<'_, str>> {
    match plain(string)? {
        plain if !plain.as_bytes().contains(&b'\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(string).ok().map(Cow::Owned),
    }
}

/// The text of a JSON string that is known to have no escapes; `None` if it is no string.
#[must_use]
#[inline]
pub fn plain(string: &str) -> Option<&str> {
    match string.as_bytes() {
        [b'"', inner @ .., b'"'] => string.get(1..=inner.len()),
        _ => None,
    }
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
            b'"' => at += Scanner::new(&json[at..]).value()?.end as usize,
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
