//! From a JSON value to what a column takes; types come from the catalog, never from the value.

use std::borrow::Cow;

use schemas::batch::Cell;
use schemas::json::{self, Scanner};
use schemas::table::ColumnType;
use schemas::time;

/// A value that does not fit: what is expected, and what was found instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    pub path: String,
    pub expected: &'static str,
    pub found: String,
}

impl Misfit {
    pub fn new(path: impl Into<String>, expected: &'static str, found: Option<&str>) -> Self {
        const SHOWN: usize = 80;
        let found = match found {
            None => "nothing".to_owned(),
            Some(value) => match value.char_indices().nth(SHOWN) {
                None => value.to_owned(),
                Some((end, _)) => format!("{}… ({} bytes)", &value[..end], value.len()),
            },
        };
        Self { path: path.into(), expected, found }
    }

    pub fn reason(&self) -> String {
        format!("{}: expected {}, found {}", self.path, self.expected, self.found)
    }
}

/// True for a value that says nothing.
pub fn is_null(value: &str) -> bool {
    value == "null"
}

/// A text, or null.
pub fn text<'a>(value: &'a str, path: &str) -> Result<Option<Cow<'a, str>>, Misfit> {
    if is_null(value) {
        return Ok(None);
    }
    match json::text(value) {
        Some(text) => Ok(Some(text)),
        None if value.starts_with('"') => Err(Misfit::new(path, "text without lone surrogates", Some(value))),
        None => Err(Misfit::new(path, "text", Some(value))),
    }
}

/// The cell of a column of that type.
pub fn cell<'a>(kind: ColumnType, value: &'a str, path: &str) -> Result<Cell<'a>, Misfit> {
    if is_null(value) {
        return Ok(Cell::Null);
    }
    let misfit = || Misfit::new(path, kind.name(), Some(value));
    Ok(match kind {
        ColumnType::Text => text(value, path)?.map_or(Cell::Null, Cell::Text),
        ColumnType::Json => Cell::Text(Cow::Borrowed(value)),
        ColumnType::Bool => Cell::Bool(value.parse().map_err(|_| misfit())?),
        ColumnType::Int => Cell::Int(value.parse().map_err(|_| misfit())?),
        ColumnType::Time => Cell::Time(json::text(value).and_then(|text| time::parse(&text)).ok_or_else(misfit)?),
        ColumnType::List => {
            if !value.starts_with('[') {
                return Err(misfit());
            }
            let items = json::elements(value).into_iter().map(|item| text(item, path));
            Cell::List(items.collect::<Result<_, _>>()?)
        }
    })
}

/// One member of each object in an array: null where the object lacks it, or where there is null in its place.
pub fn each<'a>(
    array: &'a str,
    member: &str,
    path: &str,
    mut take: impl FnMut(Option<Cow<'a, str>>),
) -> Result<(), Misfit> {
    if is_null(array) {
        return Ok(());
    }
    let mut misfit = (!array.starts_with('[')).then(|| Misfit::new(path, "list of objects", Some(array)));
    if misfit.is_none() {
        let walked = Scanner::new(array).array(|scanner| {
            let mut found = None;
            let element = if scanner.peek() == Some(b'{') {
                scanner.object(|scanner, key| {
                    let value = scanner.value()?;
                    if found.is_none() && is_key(key.of(array), member) {
                        found = Some(value);
                    }
                    Ok(())
                })?
            } else {
                scanner.value()?
            };
            let element = element.of(array);
            let taken = match found {
                _ if !element.starts_with('{') && !is_null(element) => {
                    Err(Misfit::new(path, "list of objects", Some(element)))
                }
                None => Ok(None),
                Some(value) => {
                    text(value.of(array), "").map_err(|m| Misfit { path: format!("{path}[].{member}"), ..m })
                }
            };
            match taken {
                Ok(text) => take(text),
                Err(error) => misfit = misfit.take().or(Some(error)),
            }
            Ok(())
        });
        debug_assert!(walked.is_ok(), "the value was read before");
    }
    misfit.map_or(Ok(()), Err)
}

/// True if a key, with its quotes, is `name`.
#[inline]
pub fn is_key(key: &str, name: &str) -> bool {
    let (key, name) = (key.as_bytes(), name.as_bytes());
    if key.len() == name.len() + 2 && key[1..=name.len()] == *name {
        return true;
    }
    // Rare enough to be looked at last: an escaped key is longer than the name it stands for.
    key.len() > name.len() + 2 && key.contains(&b'\\') && {
        std::str::from_utf8(key).ok().and_then(json::text).is_some_and(|key| key.as_bytes() == name)
    }
}
