//! What fits nowhere: kept as lines, sorted by resource, id and place.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use schemas::catalog::Resource;
use schemas::stream::Quarantine;
use schemas::table::{TIE, VERSION, time_type};
use twox_hash::XxHash3_64;

use crate::error::Error;
use crate::fingerprint::{self, Ids};
use crate::manifest::{Entry, File, Kind};
use crate::merge::{Arrived, Merge};
use crate::shape::{Columns, Shape};
use crate::state::Merging;

const ROWS: usize = 1024;
const BYTES: usize = 1 << 20;

/// Quarantined records wait like rows of a table: sort key, line and, as tie, the hash of what was wrong with what.
pub(crate) fn shape() -> Shape {
    let text = |name| Field::new(name, DataType::Utf8, false);
    let version = Field::new(VERSION, time_type(), true);
    let fields = vec![text("key"), text("line"), version, Field::new(TIE, DataType::UInt64, true)];
    let columns = Columns { version: Some(2), tie: Some(3), ..Columns::default() };
    Shape { name: "quarantine".into(), schema: Arc::new(Schema::new(fields)), fields: 2, columns }
}

/// Gathers quarantined records into batches.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    keys: Vec<String>,
    lines: Vec<String>,
    ties: Vec<u64>,
    bytes: usize,
    /// Ids by resource: their last good rows stay.
    pub ids: HashMap<&'static str, Ids>,
}

impl Gathered {
    /// Takes a record; a batch if there are enough.
    pub fn push(&mut self, record: &Quarantine) -> Result<Option<RecordBatch>, Error> {
        let resource = record.resource.as_deref().unwrap_or_default();
        if let (Some(resource), Some(id)) = (Resource::find(resource), &record.id) {
            self.ids.entry(resource.name).or_default().insert(fingerprint::id(id));
        }
        let id = record.id.as_deref().unwrap_or_default();
        let place = (record.line, record.index.unwrap_or_default());
        self.keys.push(format!("{resource}\0{id}\0{:020}{:020}", place.0, place.1));
        let wrong = format!("{}\0{}", record.reason, record.record.as_deref().map_or("", |r| r.get()));
        self.ties.push(XxHash3_64::oneshot(wrong.as_bytes()));
        let line = serde_json::to_string(record).map_err(|e| Error::Stream(format!("a quarantined record: {e}")))?;
        self.bytes += line.len();
        self.lines.push(line);
        let full = self.lines.len() >= ROWS || self.bytes >= BYTES;
        if full { self.take() } else { Ok(None) }
    }

    /// What was gathered since the last batch.
    pub fn take(&mut self) -> Result<Option<RecordBatch>, Error> {
        if self.lines.is_empty() {
            return Ok(None);
        }
        self.bytes = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(std::mem::take(&mut self.keys))),
            Arc::new(StringArray::from(std::mem::take(&mut self.lines))),
            Arc::new(TimestampMicrosecondArray::new_null(self.ties.len()).with_timezone("UTC")),
            Arc::new(UInt64Array::from(std::mem::take(&mut self.ties))),
        ];
        let batch = RecordBatch::try_new(shape().schema, columns);
        batch.map(Some).map_err(|source| Error::Arrow { table: "quarantine".to_owned(), source })
    }
}

/// Writes the records, each wrong in the same way once; no entry if there are none.
pub(crate) fn write(merging: &Merging<'_>, shape: &Shape, arrived: Arrived) -> Result<Option<Entry>, Error> {
    if arrived.rows == 0 {
        return Ok(None);
    }
    let writing = merging.writing;
    let path = format!("quarantine/snapshot={}/part-00000-{}.ndjson", writing.snapshot, writing.load_id);
    let mut sink = writing.place.create(&path);
    let mut rows = Merge::new(arrived, shape).map_err(merging.spill())?;
    let (mut object, mut seen, mut count) = (String::new(), HashSet::new(), 0);
    while let Some(row) = rows.pop().map_err(merging.spill())? {
        let key = row.keys().first(row.row);
        let of = key.rsplit_once('\0').map_or(key, |(of, _)| of);
        if of != object {
            of.clone_into(&mut object);
            seen.clear();
        }
        if !seen.insert(row.keys().version(row.row).1) {
            continue;
        }
        let line = row.keys().batch().column(1).as_string::<i32>().value(row.row);
        let failed = |e: std::io::Error| Error::Parquet { what: "write", path: path.clone(), source: e.into() };
        sink.write_all(line.as_bytes()).map_err(failed)?;
        sink.write_all(b"\n").map_err(failed)?;
        count += 1;
    }
    let done = sink.finish()?;
    let (path, bytes, sha256) = (done.path, done.bytes, done.sha256);
    let file = File { path, rows: count, bytes, sha256, min: None, max: None, date: None };
    Ok(Some(Entry {
        kind: Kind::Quarantine,
        name: "quarantine".to_owned(),
        from: None,
        to: None,
        resources: Vec::new(),
        schema: Vec::new(),
        rows: count,
        stale_since: None,
        partial: false,
        held: 0,
        files: vec![file],
    }))
}
