//! One line of the raw stream: its header, and where the records of its page stand.

use schemas::json::{self, Scanner, Span};
use schemas::stream::ParentIds;

/// A member of a record.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// The key, with its quotes.
    pub key: Span,
    /// The value.
    pub value: Span,
}

/// A record, and its members among [`Line::members`].
#[derive(Debug, Clone, Copy)]
pub struct Record {
    pub span: Span,
    pub first: u32,
    pub end: u32,
}

/// What stands where in a line. Kept from line to line, so that its vectors need no new memory.
#[derive(Debug, Default)]
pub struct Line {
    pub kind: Option<Span>,
    pub resource: Option<Span>,
    pub parent: Option<Span>,
    pub chain: Option<Span>,
    pub seq: Option<Span>,
    pub fetched_at: Option<Span>,
    pub body: Option<Span>,
    /// Whether the body is a list, in an envelope or bare.
    pub is_list: bool,
    pub records: Vec<Record>,
    pub members: Vec<Member>,
}

impl Line {
    /// Reads `text` in one pass; the records' members are found on the way.
    pub fn read(&mut self, text: &str) -> Result<schemas::credentials::Suspicion, json::Error> {
        self.clear();
        let mut scanner = Scanner::new(text);
        scanner.object(|scanner, key| {
            let slot = match key.of(text) {
                "\"kind\"" => &mut self.kind,
                "\"resource\"" => &mut self.resource,
                "\"parent\"" => &mut self.parent,
                "\"chain\"" => &mut self.chain,
                "\"seq\"" => &mut self.seq,
                "\"fetched_at\"" => &mut self.fetched_at,
                "\"body\"" if self.body.is_none() => {
                    self.body = Some(self.body(scanner, text)?);
                    return Ok(());
                }
                _ => return scanner.value().map(drop),
            };
            let value = scanner.value()?;
            slot.get_or_insert(value);
            Ok(())
        })?;
        scanner.end()?;
        Ok(scanner.suspicion())
    }

    fn clear(&mut self) {
        let (mut records, mut members) = (std::mem::take(&mut self.records), std::mem::take(&mut self.members));
        records.clear();
        members.clear();
        *self = Self { records, members, ..Self::default() };
    }

    fn body(&mut self, scanner: &mut Scanner<'_>, text: &str) -> Result<Span, json::Error> {
        match scanner.peek() {
            Some(b'[') => self.list(scanner),
            Some(b'{') => scanner.object(|scanner, key| {
                if key.of(text) == "\"data\"" && !self.is_list && scanner.peek() == Some(b'[') {
                    self.list(scanner).map(drop)
                } else {
                    scanner.value().map(drop)
                }
            }),
            _ => scanner.value(),
        }
    }

    fn list(&mut self, scanner: &mut Scanner<'_>) -> Result<Span, json::Error> {
        self.is_list = true;
        scanner.array(|scanner| {
            let first = self.members.len() as u32;
            let span = if scanner.peek() == Some(b'{') {
                scanner.object(|scanner, key| {
                    let value = scanner.value()?;
                    self.members.push(Member { key, value });
                    Ok(())
                })?
            } else {
                scanner.value()?
            };
            self.records.push(Record { span, first, end: self.members.len() as u32 });
            Ok(())
        })
    }
}

/// A single record, read on its own.
pub fn members(text: &str, members: &mut Vec<Member>) -> Result<(), json::Error> {
    members.clear();
    Scanner::new(text)
        .object(|scanner, key| {
            let value = scanner.value()?;
            members.push(Member { key, value });
            Ok(())
        })
        .map(drop)
}

/// The ids of `parent`, if it holds nothing but texts.
pub fn parent(text: Option<&str>) -> Option<ParentIds> {
    text.filter(|t| *t != "null").and_then(|t| serde_json::from_str(t).ok())
}
