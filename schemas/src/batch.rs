//! Rows gathered into record batches of a table's stream schema.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Int64Builder, ListBuilder, StringBuilder, StringDictionaryBuilder, TimestampMicrosecondBuilder,
    UInt64Builder,
};
use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, SchemaRef};

use crate::table::Table;

/// Rows in a batch at most.
pub const BATCH_ROWS: usize = 8192;
/// Bytes of text after which a batch ends early.
pub const BATCH_BYTES: usize = 2 << 20;

/// One value of a row; JSON travels as text.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// Of a text or JSON column.
    Text(Cow<'a, str>),
    /// Of a boolean column.
    Bool(bool),
    /// Of an integer column.
    Int(i64),
    /// Of a time column: microseconds since 1970 UTC.
    Time(i64),
    /// Of a list column.
    List(Vec<Option<Cow<'a, str>>>),
}

/// The state of the object that a row was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Microseconds since 1970 UTC of `updated_at`, or of when it was fetched.
    pub at: i64,
    /// XXH3-64 of the received record.
    pub tie: u64,
}

/// The object that an edge, or a row embedded in another object, was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The label of its table.
    pub table: &'a str,
    /// Its id.
    pub id: &'a str,
    /// Its state.
    pub version: Version,
}

#[derive(Debug)]
enum Column {
    Text(StringBuilder),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Time(TimestampMicrosecondBuilder),
    List(ListBuilder<StringBuilder>),
}

impl Column {
    fn new(kind: &DataType) -> Self {
        match kind {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::Timestamp(..) => Self::Time(time_builder()),
            DataType::List(_) => Self::List(ListBuilder::new(StringBuilder::new())),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// The text bytes that it took, or why it could not.
    fn push(&mut self, cell: &Cell<'_>) -> Result<usize, ArrowError> {
        match (self, cell) {
            (Self::Text(b), Cell::Text(text)) => {
                b.append_value(text);
                return Ok(text.len());
            }
            (Self::Text(b), Cell::Null) => b.append_null(),
            (Self::Time(b), Cell::Time(micros)) => b.append_value(*micros),
            (Self::Time(b), Cell::Null) => b.append_null(),
            (Self::Bool(b), Cell::Bool(value)) => b.append_value(*value),
            (Self::Bool(b), Cell::Null) => b.append_null(),
            (Self::Int(b), Cell::Int(value)) => b.append_value(*value),
            (Self::Int(b), Cell::Null) => b.append_null(),
            (Self::List(b), Cell::Null) => b.append_null(),
            (Self::List(b), Cell::List(items)) => {
                let mut bytes = 0;
                for item in items {
                    b.values().append_option(item.as_deref());
                    bytes += item.as_ref().map_or(0, |i| i.len());
                }
                b.append(true);
                return Ok(bytes);
            }
            (column, cell) => {
                return Err(ArrowError::SchemaError(format!("a {column:?} takes no {cell:?}")));
            }
        }
        Ok(0)
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(b) => Arc::new(b.finish()),
            Self::Bool(b) => Arc::new(b.finish()),
            Self::Int(b) => Arc::new(b.finish()),
            Self::Time(b) => Arc::new(b.finish()),
            Self::List(b) => Arc::new(b.finish()),
        }
    }
}

fn time_builder() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_timezone("UTC")
}

/// Gathers rows of one table.
pub struct BatchBuilder {
    schema: SchemaRef,
    columns: Vec<Column>,
    version: TimestampMicrosecondBuilder,
    tie: UInt64Builder,
    owner_table: StringDictionaryBuilder<Int8Type>,
    owner_id: StringBuilder,
    owner_version: TimestampMicrosecondBuilder,
    owner_tie: UInt64Builder,
    rows: usize,
    bytes: usize,
}

impl BatchBuilder {
    /// An empty one.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self {
            schema: table.stream_schema(),
            columns: table.record_fields().iter().map(|f| Column::new(f.data_type())).collect(),
            version: time_builder(),
            tie: UInt64Builder::new(),
            owner_table: StringDictionaryBuilder::new(),
            owner_id: StringBuilder::new(),
            owner_version: time_builder(),
            owner_tie: UInt64Builder::new(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Appends a row: one cell for each of the table's [`record_fields`](Table::record_fields).
    ///
    /// # Errors
    /// If a cell is of another type than its column; the builder is of no use afterwards.
    pub fn push<'a>(
        &mut self,
        cells: impl IntoIterator<Item = &'a Cell<'a>>,
        version: Option<Version>,
        owner: Option<Owner<'_>>,
    ) -> Result<(), ArrowError> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            self.bytes += column.push(cell)?;
        }
        self.version.append_option(version.map(|v| v.at));
        self.tie.append_option(version.map(|v| v.tie));
        match owner {
            Some(owner) => {
                self.owner_table.append(owner.table)?;
                self.owner_id.append_value(owner.id);
                self.owner_version.append_value(owner.version.at);
                self.owner_tie.append_value(owner.version.tie);
            }
            None => {
                self.owner_table.append_null();
                self.owner_id.append_null();
                self.owner_version.append_null();
                self.owner_tie.append_null();
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// True when the batch should be taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// The rows so far; `None` if there are none.
    ///
    /// # Errors
    /// If a row did not fill every column.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let mut arrays: Vec<ArrayRef> = self.columns.iter_mut().map(Column::finish).collect();
        arrays.push(Arc::new(self.version.finish()));
        arrays.push(Arc::new(self.tie.finish()));
        arrays.push(Arc::new(self.owner_table.finish()));
        arrays.push(Arc::new(self.owner_id.finish()));
        arrays.push(Arc::new(self.owner_version.finish()));
        arrays.push(Arc::new(self.owner_tie.finish()));
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map(Some)
    }
}
