//! Credentials in the API's answers, and their removal by spans.
//!
//! A credential is told by its own name and the `object` member beside it, at any depth: a bare name would
//! hit the `value` of an e-mail address or a custom attribute called `code`. Where the object is untyped, its place
//! tells: the list it was read from, or the name of the event that carries it.

use std::ops::Range;

use crate::json::{self, Scanner, Span};

/// Object types with the members, or paths of members, that are credentials.
///
/// Source: the response schemas of the API's official description, and the shapes of older answers.
static RULES: &[(&str, &[&str])] = &[
    ("webhook_endpoint", &["secret"]),
    ("invitation", &["token", "accept_invitation_url"]),
    ("password_reset", &["token", "password_reset_token", "password_reset_url"]),
    ("magic_auth", &["code"]),
    ("email_verification", &["code"]),
    ("authentication_factor", &["totp.secret", "totp.qr_code", "totp.uri", "secret", "qr_code", "uri"]),
    ("api_key", &["value"]),
    ("session", &["token", "access_token", "refresh_token", "sealed_session"]),
    ("connect_application_secret", &["secret"]),
];

/// The bit of an object type in [`Kinds`].
type Kinds = u16;

/// The object type that a text names, as it stands in an `object` member.
fn kind(name: &str) -> Kinds {
    RULES.iter().position(|(object, _)| *object == name).map_or(0, |i| 1 << i)
}

/// The object type that an event carries, by what stands before the first point of its name.
fn kind_of_event(name: &str) -> Kinds {
    kind(name.split('.').next().unwrap_or_default())
}

/// The types for which a member of that name is a credential, wherever in their path it stands.
fn kinds_with(name: &[u8]) -> Kinds {
    // Spelled out, so that the test at every key is a comparison of lengths for nearly all of them.
    match name {
        b"secret" => 0b1_0010_0001,
        b"token" => 0b1000_0110,
        b"accept_invitation_url" => 0b10,
        b"password_reset_token" | b"password_reset_url" => 0b100,
        b"code" => 0b1_1000,
        b"qr_code" | b"uri" => 0b10_0000,
        b"value" => 0b100_0000,
        b"access_token" | b"refresh_token" | b"sealed_session" => 0b1000_0000,
        _ => 0,
    }
}

/// A cheap note, kept while a text is scanned, of whether it can hold a credential at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Suspicion {
    names: Kinds,
    objects: Kinds,
    escaped: bool,
}

impl Suspicion {
    /// Notes a key, without its quotes, and the text that follows its colon.
    #[inline]
    pub fn key(&mut self, name: &[u8], escaped: bool, rest: &[u8]) {
        self.escaped |= escaped;
        // The lengths of the names below; most keys have others.
        if let 3..=7 | 12..=14 | 18 | 20 | 21 = name.len() {
            self.names |= kinds_with(name);
            if name == b"object" || name == b"event" {
                self.object(rest);
            }
        }
    }

    #[inline(never)]
    fn object(&mut self, rest: &[u8]) {
        let Some(rest) = rest.strip_prefix(b"\"") else { return };
        let end = rest.iter().position(|b| !(b.is_ascii_lowercase() || *b == b'_')).unwrap_or(rest.len());
        self.escaped |= rest.get(end) == Some(&b'\\');
        self.objects |= RULES.iter().position(|(object, _)| object.as_bytes() == &rest[..end]).map_or(0, |i| 1 << i);
    }

    /// True if the text must be scrubbed: `object` is the type of its untyped records.
    #[must_use]
    pub fn holds(self, object: &str) -> bool {
        self.escaped || self.names & (self.objects | kind(object)) != 0
    }
}

/// The text of an answer without its credentials; `None` if it has none. `object` is the type of records that
/// do not say theirs: those in the list `data`, or in a bare array.
///
/// # Errors
/// Where `answer` is not JSON.
pub fn scrub(answer: &str, object: &str) -> Result<Option<String>, json::Error> {
    let mut walk = Walk { text: answer, record: kind(object), frames: Vec::new(), removed: Vec::new() };
    walk.run()?;
    let mut removed = walk.removed;
    if removed.is_empty() {
        return Ok(None);
    }
    removed.sort_by_key(|r| r.start);
    let mut out = String::with_capacity(answer.len());
    let mut at = 0;
    for range in removed {
        // A credential may stand within another one's value.
        if range.start >= at {
            out.push_str(&answer[at..range.start]);
        }
        at = at.max(range.end);
    }
    out.push_str(&answer[at..]);
    Ok(Some(out))
}

/// A member that is a credential if an object around it turns out to be of the right type.
#[derive(Debug)]
struct Candidate {
    path: String,
    /// Which object it is a member of, and the how-manieth member of it.
    object: usize,
    index: usize,
    previous_end: usize,
    member: Range<usize>,
    next_start: Option<usize>,
}

/// An object or array that is open.
#[derive(Debug)]
struct Frame {
    is_object: bool,
    /// The key under which it stands in the object around it.
    key: String,
    kinds: Kinds,
    event_kinds: Kinds,
    members: usize,
    previous_end: usize,
    member_start: usize,
    member_key: String,
    candidates: Vec<Candidate>,
    id: usize,
}

struct Walk<'a> {
    text: &'a str,
    record: Kinds,
    frames: Vec<Frame>,
    removed: Vec<Range<usize>>,
}

impl Walk<'_> {
    /// Visits every value of the text without recursion.
    fn run(&mut self) -> Result<(), json::Error> {
        let mut check = Scanner::new(self.text);
        check.value()?;
        check.end()?;
        let bytes = self.text.as_bytes();
        let mut at = 0;
        let mut opened = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'{' | b'[' => {
                    let frame = self.open(byte == b'{', opened, at);
                    self.frames.push(frame);
                    opened += 1;
                    at += 1;
                }
                b'}' | b']' => {
                    at += 1;
                    self.close(at);
                }
                b'"' => {
                    let end = self.scalar_end(at)?;
                    let string = Span { start: at as u32, end: end as u32, escaped: true };
                    let is_key = bytes[end..].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':');
                    at = end;
                    if is_key {
                        self.key(string);
                        at += bytes[end..].iter().position(|b| *b == b':').unwrap_or(0) + 1;
                    } else {
                        self.string(string);
                        self.value_ends(at);
                    }
                }
                b',' | b' ' | b'\t' | b'\n' | b'\r' => at += 1,
                _ => {
                    at = self.scalar_end(at)?;
                    self.value_ends(at);
                }
            }
        }
        Ok(())
    }

    fn scalar_end(&self, at: usize) -> Result<usize, json::Error> {
        let span = Scanner::new(&self.text[at..]).value()?;
        Ok(at + span.end as usize)
    }

    fn open(&self, is_object: bool, id: usize, at: usize) -> Frame {
        let parent = self.frames.last();
        let key = parent.filter(|p| p.is_object).map(|p| p.member_key.clone()).unwrap_or_default();
        // Records stand in a bare array, or in the list `data` of the envelope.
        let in_list = match self.frames.as_slice() {
            [list] => !list.is_object,
            [envelope, list] => envelope.is_object && !list.is_object && list.key == "data",
            _ => false,
        };
        Frame {
            is_object,
            key,
            kinds: if in_list { self.record } else { 0 },
            event_kinds: 0,
            members: 0,
            previous_end: at + 1,
            member_start: 0,
            member_key: String::new(),
            candidates: Vec::new(),
            id,
        }
    }

    fn key(&mut self, key: Span) {
        let name = json::text(key.of(self.text)).map(std::borrow::Cow::into_owned).unwrap_or_default();
        let Some(frame) = self.frames.last_mut() else { return };
        frame.member_start = key.start as usize;
        frame.member_key = name;
        let (id, index) = (frame.id, frame.members);
        for candidate in frame.candidates.iter_mut().filter(|c| c.object == id && c.index + 1 == index) {
            candidate.next_start = Some(key.start as usize);
        }
    }

    fn string(&mut self, value: Span) {
        let Some(frame) = self.frames.last_mut().filter(|f| f.is_object) else { return };
        let key = frame.member_key.as_str();
        if key == "object" || key == "event" {
            let name = json::text(value.of(self.text)).unwrap_or_default();
            if key == "object" {
                frame.kinds |= kind(&name);
            } else {
                frame.event_kinds |= kind_of_event(&name);
            }
        }
    }

    /// A member's value, or an element, has just ended.
    fn value_ends(&mut self, at: usize) {
        let Some(frame) = self.frames.last_mut().filter(|f| f.is_object) else { return };
        if kinds_with(frame.member_key.as_bytes()) != 0 {
            frame.candidates.push(Candidate {
                path: frame.member_key.clone(),
                object: frame.id,
                index: frame.members,
                previous_end: frame.previous_end,
                member: frame.member_start..at,
                next_start: None,
            });
        }
        frame.members += 1;
        frame.previous_end = at;
    }

    fn close(&mut self, at: usize) {
        let Some(frame) = self.frames.pop() else { return };
        let is_credential = |path: &str| {
            let data = path.strip_prefix("data.");
            RULES.iter().enumerate().any(|(bit, (_, paths))| {
                frame.kinds & 1 << bit != 0 && paths.contains(&path)
                    || frame.event_kinds & 1 << bit != 0 && data.is_some_and(|p| paths.contains(&p))
            })
        };
        let (found, rest): (Vec<_>, Vec<_>) = frame.candidates.into_iter().partition(|c| is_credential(&c.path));
        for (i, candidate) in found.iter().enumerate() {
            let removed_before = found[..i].iter().filter(|c| c.object == candidate.object).count();
            self.removed.push(if candidate.index > removed_before {
                candidate.previous_end..candidate.member.end
            } else {
                candidate.member.start..candidate.next_start.unwrap_or(candidate.member.end)
            });
        }
        // An untyped object may get its meaning from the object around it.
        if frame.is_object
            && ["totp", "data"].contains(&frame.key.as_str())
            && let Some(around) = self.frames.last_mut().filter(|f| f.is_object)
        {
            around
                .candidates
                .extend(rest.into_iter().map(|c| Candidate { path: format!("{}.{}", frame.key, c.path), ..c }));
        }
        self.value_ends(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scrubbed(answer: &str, object: &str) -> String {
        let mut scanner = Scanner::new(answer);
        scanner.value().unwrap();
        let out = scrub(answer, object).unwrap();
        if out.is_some() {
            assert!(scanner.suspicion().holds(object), "the cheap test would have missed it: {answer}");
        }
        out.unwrap_or_else(|| answer.to_owned())
    }

    #[test]
    fn the_cheap_test_knows_every_rule() {
        for (bit, (object, paths)) in RULES.iter().enumerate() {
            for path in *paths {
                let name = path.rsplit('.').next().unwrap();
                assert_ne!(kinds_with(name.as_bytes()) & 1 << bit, 0, "{object}.{path}");
            }
        }
        let names = [
            "secret",
            "token",
            "accept_invitation_url",
            "password_reset_token",
            "password_reset_url",
            "code",
            "qr_code",
            "uri",
            "value",
            "access_token",
            "refresh_token",
            "sealed_session",
        ];
        for name in names {
            let mut suspicion = Suspicion::default();
            suspicion.key(name.as_bytes(), false, b"1");
            assert_eq!(suspicion.names, kinds_with(name.as_bytes()), "{name}");
            for (bit, (_, paths)) in RULES.iter().enumerate() {
                let listed = paths.iter().any(|p| p.rsplit('.').next() == Some(name));
                assert_eq!(kinds_with(name.as_bytes()) & 1 << bit != 0, listed, "{name} {bit}");
            }
        }
    }

    #[test]
    fn typed_objects_lose_theirs_at_any_depth() {
        for (before, after) in [
            (
                r#"{"object":"invitation","token":"S","accept_invitation_url":"S","id":1}"#,
                r#"{"object":"invitation","id":1}"#,
            ),
            (r#"{"token":"S","accept_invitation_url":"S","object":"invitation"}"#, r#"{"object":"invitation"}"#),
            (r#"{"a":[{"x":{"code":"S","object":"magic_auth"}}]}"#, r#"{"a":[{"x":{"object":"magic_auth"}}]}"#),
            (
                r#"{"object":"authentication_factor","totp":{"secret":"S","issuer":"i","uri":"S"},"id":1}"#,
                r#"{"object":"authentication_factor","totp":{"issuer":"i"},"id":1}"#,
            ),
            (
                r#"{"totp":{"secret":"S","qr_code":"S","uri":"S"},"object":"authentication_factor"}"#,
                r#"{"totp":{},"object":"authentication_factor"}"#,
            ),
            (r#"{"obj\u0065ct":"api_k\u0065y","v\u0061lue":"S","value":"S"}"#, r#"{"obj\u0065ct":"api_k\u0065y"}"#),
            (
                r#"{ "id" : 1 , "secret" : { "a" : [ "S" ] } , "object" : "webhook_endpoint" }"#,
                r#"{ "id" : 1 , "object" : "webhook_endpoint" }"#,
            ),
            (r#"{"object":"session","access_token":"S","refresh_token":"S"}"#, r#"{"object":"session"}"#),
        ] {
            assert_eq!(scrubbed(before, "x"), after);
        }
    }

    #[test]
    fn untyped_ones_by_their_place() {
        assert_eq!(scrubbed(r#"{"data":[{"id":1,"secret":"S"}]}"#, "webhook_endpoint"), r#"{"data":[{"id":1}]}"#);
        assert_eq!(scrubbed(r#"[{"secret":"S","id":1}]"#, "webhook_endpoint"), r#"[{"id":1}]"#);
        assert_eq!(
            scrubbed(r#"{"data":[{"data":{"code":"S","id":1},"event":"magic_auth.created"}]}"#, "event"),
            r#"{"data":[{"data":{"id":1},"event":"magic_auth.created"}]}"#
        );
    }

    #[test]
    fn what_only_shares_a_name_stays() {
        for json in [
            r#"{"object":"directory_user","emails":[{"value":"a@b"}],"custom_attributes":{"code":"7","token":"t","secret":"s"}}"#,
            r#"{"object":"organization_domain","verification_token":"t"}"#,
            r#"{"object":"event","event":"authentication.sso_failed","data":{"error":{"code":"x"}}}"#,
            r#"{"object":"feature_flag","value":1}"#,
            r#"{"object":"invitation","nested":{"token":"t"}}"#,
        ] {
            assert_eq!(scrub(json, "directory_user").unwrap(), None, "{json}");
        }
    }

    proptest! {
        #[test]
        fn what_stays_is_json_and_holds_no_planted_secret(
            kind in 0..RULES.len(), order in prop::collection::vec(0..6_usize, 6), depth in 0..5_usize, spaces in any::<bool>(),
        ) {
            let (object, paths) = RULES[kind];
            let mut members: Vec<String> = vec![format!(r#""object":"{object}""#), r#""id":"i""#.into(), r#""z":[1,{"y":2}]"#.into()];
            for path in paths {
                members.push(match path.split_once('.') {
                    Some((outer, inner)) => format!(r#""{outer}":{{"issuer":1,"{inner}":"PLANTED"}}"#),
                    None => format!(r#""{path}":"PLANTED""#),
                });
            }
            for (i, j) in order.into_iter().enumerate() {
                let n = members.len();
                members.swap(i % n, j % n);
            }
            let mut json = format!("{{{}}}", members.join(if spaces { " , " } else { "," }));
            for _ in 0..depth {
                json = format!(r#"{{"a":[{json}]}}"#);
            }
            let out = scrubbed(&json, "x");
            prop_assert!(!out.contains("PLANTED"), "{}", out);
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&out).is_ok(), "{}", out);
            let kept = out.contains(r#""z":[1,{"y":2}]"#) && out.contains(r#""id":"i""#);
            prop_assert!(kept, "{}", out);
        }

        #[test]
        fn no_text_panics(text in r#"[\[\]{}",:0-9\\objecttokn ]{0,40}"#) {
            let _ = scrub(&text, "invitation");
        }
    }
}
