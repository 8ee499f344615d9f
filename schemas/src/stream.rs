//! The records of the two newline-delimited JSON streams, less the pages and rows themselves.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The protocol number of both streams and of the lake's manifests.
pub const PROTOCOL: u32 = 1;

/// The ids that a child list was asked for with, by key.
pub type ParentIds = BTreeMap<String, String>;

/// The first line of either stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// A ULID.
    pub run_id: String,
    /// The WorkOS client id.
    pub environment_id: String,
    /// When the run started, RFC 3339.
    pub started_at: String,
    /// `full`.
    #[serde(default = "full")]
    pub mode: String,
    /// What was selected; if absent, those count that have a page or a `done`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
}

fn full() -> String {
    "full".to_owned()
}

/// How the reading of a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Read to its end.
    Complete,
    /// Not readable: 403, or 404 of the list itself.
    Unavailable,
    /// The parent vanished while the lists were read.
    Gone,
}

/// Closes a resource for one parent, or as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The resource.
    pub resource: String,
    /// The parent, or null for the resource as a whole.
    #[serde(default)]
    pub parent: Option<ParentIds>,
    /// How it ended.
    pub status: Status,
    /// Why it is unavailable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Pages that this line closes.
    #[serde(default)]
    pub pages: u64,
    /// Records on them.
    #[serde(default)]
    pub records: u64,
}

/// Where the next run goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// By resource.
    pub cursors: serde_json::Map<String, serde_json::Value>,
}

/// The last line of the raw stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEnd {
    /// Pages in the stream.
    #[serde(default)]
    pub pages: u64,
    /// Records on them.
    #[serde(default)]
    pub records: u64,
    /// Requests that it took, retries included.
    #[serde(default)]
    pub requests: u64,
    /// When the last answer was there, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
}

/// The last line of the row stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowEnd {
    /// Rows by [`crate::table::Table::key`].
    #[serde(default)]
    pub rows: BTreeMap<String, u64>,
    /// Records and lines that were set aside.
    #[serde(default)]
    pub quarantined: u64,
}

/// A record, or a line, that fits nowhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quarantine {
    /// The resource, if the line tells.
    pub resource: Option<String>,
    /// The line of the raw stream, from 1.
    pub line: u64,
    /// The record's place on its page, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The record's id, if it is readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What does not fit.
    pub reason: String,
    /// The record as received, less its credentials; absent where the line is not JSON, which may hold one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub record: Option<Box<RawValue>>,
}

/// A record that is `null` is there all the same.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// What travels from transform to load.
#[derive(Debug)]
pub enum RowItem {
    /// The stream begins.
    Begin(Begin),
    /// Rows of one table, by its index in [`crate::catalog::TABLES`], in its
    /// [`stream_schema`](crate::table::Table::stream_schema).
    Batch {
        /// The table.
        table: usize,
        /// The rows.
        batch: RecordBatch,
    },
    /// Something was set aside.
    Quarantine(Quarantine),
    /// A list is closed.
    Done(Done),
    /// Where the next run goes on.
    State(State),
    /// The stream is whole.
    End(RowEnd),
}

/// A line of either stream: `kind` first, then the members of `record`, and a line feed.
///
/// # Errors
/// If `record` is no JSON object, which no record of this module is.
pub fn line(kind: &str, record: &impl Serialize) -> serde_json::Result<String> {
    let members = serde_json::to_string(record)?;
    let comma = if members == "{}" { "" } else { "," };
    Ok(format!("{{\"kind\":\"{kind}\"{comma}{}\n", members.trim_start_matches('{')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back_and_ignore_what_they_do_not_know() {
        let text = r#"{"kind":"begin","protocol":1,"run_id":"01K","environment_id":"client_1","started_at":"2026-11-22T10:15:00.000Z","new":{}}"#;
        let begin: Begin = serde_json::from_str(text).unwrap();
        assert_eq!((begin.mode.as_str(), begin.resources.as_ref()), ("full", None));
        let again = line("begin", &begin).unwrap();
        assert!(again.starts_with(r#"{"kind":"begin","protocol":1,"#) && again.ends_with("}\n"));
        assert_eq!(serde_json::from_str::<Begin>(&again).unwrap(), begin);

        let done: Done = serde_json::from_str(r#"{"kind":"done","resource":"users","status":"complete"}"#).unwrap();
        assert_eq!((done.parent, done.status, done.pages), (None, Status::Complete, 0));
    }
}
