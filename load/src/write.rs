//! The files of one table, or of one date of a fact table: one writer open at a time.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use schemas::table::Table;

use crate::encode::{self, ROW_GROUP_BYTES};
use crate::error::Error;
use crate::manifest::File;
use crate::shape::key_column;
use crate::sink::{Place, Sink};

/// What all tables of a load have in common when written.
#[derive(Debug, Clone)]
pub(crate) struct Writing {
    pub place: Place,
    pub snapshot: String,
    pub load_id: String,
    pub zstd_level: i32,
    pub file_bytes: usize,
    pub tool: String,
}

impl Writing {
    /// Files of a state table.
    pub fn state(&self, table: Table) -> TableWriter<'_> {
        let folder = match table {
            Table::Edge(t) => format!("edges/type={}/from={}/to={}", t.kind, t.from.label, t.to.label),
            _ => format!("nodes/label={}", table.key()),
        };
        TableWriter::new(self, table, format!("{folder}/snapshot={}/part-", self.snapshot), None)
    }

    /// Files of one date of a fact table.
    pub fn facts(&self, table: Table, date: String) -> TableWriter<'_> {
        let start = format!("{}/date={date}/{}-", table.key(), self.snapshot);
        TableWriter::new(self, table, start, Some(date))
    }
}

/// Writes batches of the lake's schema, in order, into files of about the size that is asked for.
pub(crate) struct TableWriter<'a> {
    writing: &'a Writing,
    table: Table,
    metadata: Vec<KeyValue>,
    key: usize,
    /// The path of a file, less its number and what follows.
    start: String,
    date: Option<String>,
    open: Option<Open>,
    files: Vec<File>,
}

struct Open {
    path: String,
    writer: ArrowWriter<Sink>,
    rows: u64,
    ends: Option<(String, String)>,
}

impl<'a> TableWriter<'a> {
    fn new(writing: &'a Writing, table: Table, start: String, date: Option<String>) -> Self {
        let key = table.lake_schema().index_of(key_column(table)).unwrap_or_default();
        let metadata = encode::metadata(table, &writing.tool);
        Self { writing, table, metadata, key, start, date, open: None, files: Vec::new() }
    }

    /// Appends a batch. A file ends between batches, so that rows of one key are never parted.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin(batch)?,
        };
        let failed = |path: &str| {
            let path = path.to_owned();
            move |source| Error::Parquet { what: "write", path, source }
        };
        open.writer.write(batch).map_err(failed(&open.path))?;
        open.extend_ends(batch.column(self.key).as_string(), self.date.is_none());
        open.rows += batch.num_rows() as u64;
        if open.writer.in_progress_size() >= ROW_GROUP_BYTES {
            open.writer.flush().map_err(failed(&open.path))?;
        }
        if open.writer.bytes_written() + open.writer.in_progress_size() >= self.writing.file_bytes {
            self.end(open)
        } else {
            self.open = Some(open);
            Ok(())
        }
    }

    /// The files; one without rows if there were none, for a table that is complete but empty.
    pub fn finish(mut self) -> Result<Vec<File>, Error> {
        if self.open.is_none() && self.files.is_empty() {
            self.open = Some(self.begin(&RecordBatch::new_empty(self.table.lake_schema()))?);
        }
        if let Some(open) = self.open.take() {
            self.end(open)?;
        }
        Ok(self.files)
    }

    fn begin(&self, sample: &RecordBatch) -> Result<Open, Error> {
        let path = format!("{}{:05}-{}.parquet", self.start, self.files.len(), self.writing.load_id);
        let sink = self.writing.place.create(&path);
        let writer = encode::properties(self.table, sample, self.writing.zstd_level, self.metadata.clone())
            .and_then(|properties| ArrowWriter::try_new(sink, self.table.lake_schema(), Some(properties)));
        match writer {
            Ok(writer) => Ok(Open { path, writer, rows: 0, ends: None }),
            Err(source) => Err(Error::Parquet { what: "write", path, source }),
        }
    }

    fn end(&mut self, open: Open) -> Result<(), Error> {
        let Open { path, writer, rows, ends } = open;
        let sink =
            writer.into_inner().map_err(|source: ParquetError| Error::Parquet { what: "write", path, source })?;
        let written = sink.finish()?;
        let (min, max) = ends.unzip();
        self.files.push(File {
            path: written.path,
            rows,
            bytes: written.bytes,
            sha256: written.sha256,
            min,
            max,
            date: self.date.clone(),
        });
        Ok(())
    }
}

impl Open {
    fn extend_ends(&mut self, ids: &StringArray, sorted: bool) {
        // Facts are not sorted by id, so that every one has to be looked at.
        let step = if sorted { ids.len().saturating_sub(1).max(1) } else { 1 };
        for id in (0..ids.len()).step_by(step).map(|i| ids.value(i)) {
            match &mut self.ends {
                None => self.ends = Some((id.to_owned(), id.to_owned())),
                Some((min, max)) => {
                    if id < min.as_str() {
                        id.clone_into(min);
                    } else if id > max.as_str() {
                        id.clone_into(max);
                    }
                }
            }
        }
    }
}
