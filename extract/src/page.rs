//! One page: its body, ready for the stream, and what the next request needs to know of it.

use schemas::credentials;
use schemas::json::{self, Scanner, Span};

use crate::Failure;
use crate::client::Answer;

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// The API's answer, minified, without credentials.
    pub body: String,
    /// When it was there, in microseconds since 1970 UTC.
    pub fetched_at: i64,
    /// The cursor of the next page.
    pub after: Option<String>,
    records: Vec<Span>,
}

impl Page {
    /// The page in an answer, whichever shape of a list it has. `object` is the type of records that do not say theirs.
    pub(crate) fn new(answer: Answer, object: &str) -> Result<Self, Failure> {
        let Answer { mut body, fetched_at } = answer;
        let mut shape = Shape::of(&body)?;
        if shape.suspicion.holds(object)
            && let Some(scrubbed) = credentials::scrub(&body, object).map_err(Failure::NotJson)?
        {
            body = scrubbed;
            shape = Shape::of(&body)?;
        }
        Ok(Self { body, fetched_at, after: shape.after, records: shape.records })
    }

    /// The records as they stand in the body.
    pub(crate) fn records(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.records.iter().map(|span| span.of(&self.body))
    }
}

struct Shape {
    records: Vec<Span>,
    after: Option<String>,
    suspicion: credentials::Suspicion,
}

impl Shape {
    fn of(body: &str) -> Result<Self, Failure> {
        let mut scanner = Scanner::new(body);
        let mut data = None;
        let mut metadata = None;
        match scanner.peek() {
            Some(b'[') => data = Some(elements(&mut scanner)?),
            Some(b'{') => {
                scanner
                    .object(|scanner, key| {
                        let name = json::text(key.of(body));
                        match name.as_deref() {
                            Some("data") if data.is_none() && scanner.peek() == Some(b'[') => {
                                data = Some(elements(scanner)?);
                            }
                            Some("list_metadata") if metadata.is_none() => metadata = Some(scanner.value()?),
                            _ => {
                                scanner.value()?;
                            }
                        }
                        Ok(())
                    })
                    .map_err(Failure::NotJson)?;
            }
            _ => {}
        }
        let records = data.ok_or(Failure::Shape { expected: "an array, or an object with an array `data`" })?;
        let after = match metadata.and_then(|span| json::member(span.of(body), "after")) {
            None | Some("null" | "\"\"") => None,
            Some(cursor) => match json::text(cursor) {
                Some(text) => Some(text.into_owned()),
                None => return Err(Failure::Shape { expected: "a text or null as `list_metadata.after`" }),
            },
        };
        Ok(Self { records, after, suspicion: scanner.suspicion() })
    }
}

fn elements(scanner: &mut Scanner<'_>) -> Result<Vec<Span>, json::Error> {
    let mut found = Vec::new();
    scanner.array(|scanner| {
        found.push(scanner.value()?);
        Ok(())
    })?;
    Ok(found)
}

impl From<json::Error> for Failure {
    fn from(error: json::Error) -> Self {
        Self::NotJson(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Result<Page, Failure> {
        Page::new(Answer { body: body.to_owned(), fetched_at: 0 }, "webhook_endpoint")
    }

    #[test]
    fn every_shape_of_a_list() {
        for (body, records, after) in [
            (
                r#"{"object":"list","data":[{"id":1},2],"list_metadata":{"before":null,"after":"a\u0062"}}"#,
                2,
                Some("ab"),
            ),
            (r#"{"list_metadata":{"after":null},"data":[]}"#, 0, None),
            (r#"{"data":[[]],"list_metadata":{}}"#, 1, None),
            (r#"{"d\u0061ta":[1]}"#, 1, None),
            ("[1,[2],3]", 3, None),
            ("[]", 0, None),
        ] {
            let page = page(body).unwrap();
            assert_eq!((page.records().len(), page.after.as_deref()), (records, after), "{body}");
            assert_eq!(page.body, body);
        }
    }

    #[test]
    fn what_is_no_list() {
        for body in
            ["{}", "null", "3", r#"{"data":{}}"#, r#"{"data":null}"#, r#"{"data":[],"list_metadata":{"after":7}}"#]
        {
            assert!(matches!(page(body), Err(Failure::Shape { .. })), "{body}");
        }
    }

    #[test]
    fn spans_fit_what_is_left_without_credentials() {
        let page = page(r#"{"data":[{"secret":"S","id":"1"},{"id":"2","secret":"S"}],"list_metadata":{"after":"c"}}"#)
            .unwrap();
        assert_eq!(page.records().collect::<Vec<_>>(), [r#"{"id":"1"}"#, r#"{"id":"2"}"#]);
        assert_eq!((page.after.as_deref(), page.body.contains('S')), (Some("c"), false));
    }
}
