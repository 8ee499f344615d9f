//! Rows gathered into record batches of a table's stream schema.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder as _, BooleanBuilder, Int8Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder, UInt64Builder,
};
use arrow_array::types::Int8Type;
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch, RecordBatchOptions, StringArray, new_null_array};
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
    /// With the bytes of the last batch: the next one will need about as much room.
    Text(StringBuilder, usize),
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
            _ => Self::Text(StringBuilder::new(), 0),
        }
    }

    /// The text bytes that it took, or why it could not.
    fn push(&mut self, cell: &Cell<'_>) -> Result<usize, ArrowError> {
        match (self, cell) {
            (Self::Text(b, last), Cell::Text(text)) => {
                if *last > 0 && b.is_empty() {
                    *b = StringBuilder::with_capacity(BATCH_ROWS, *last + *last / 8);
                }
                b.append_value(text);
                return Ok(text.len());
            }
            (Self::Text(b, _), Cell::Null) => b.append_null(),
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
            Self::Text(b, last) => {
                *last = b.values_slice().len();
                Arc::new(b.finish())
            }
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

/// The `_owner_…` columns; most tables have no use for them.
struct Owners {
    labels: Vec<String>,
    table: Int8Builder,
    id: StringBuilder,
    version: TimestampMicrosecondBuilder,
    tie: UInt64Builder,
}

impl Owners {
    /// With `rows` rows without an owner.
    fn new(rows: usize) -> Self {
        let mut owners = Self {
            labels: Vec::new(),
            table: Int8Builder::new(),
            id: StringBuilder::new(),
            version: time_builder(),
            tie: UInt64Builder::new(),
        };
        for _ in 0..rows {
            owners.push(None);
        }
        owners
    }

    fn push(&mut self, owner: Option<Owner<'_>>) {
        let label = owner.map(|owner| {
            let known = self.labels.iter().position(|label| label == owner.table);
            known.unwrap_or_else(|| {
                self.labels.push(owner.table.to_owned());
                self.labels.len() - 1
            }) as i8
        });
        self.table.append_option(label);
        self.id.append_option(owner.map(|o| o.id));
        self.version.append_option(owner.map(|o| o.version.at));
        self.tie.append_option(owner.map(|o| o.version.tie));
    }

    fn finish(mut self) -> Result<[ArrayRef; 4], ArrowError> {
        let labels: ArrayRef = Arc::new(StringArray::from(self.labels));
        let table = DictionaryArray::<Int8Type>::try_new(self.table.finish(), labels)?;
        let version = self.version.finish();
        Ok([Arc::new(table), Arc::new(self.id.finish()), Arc::new(version), Arc::new(self.tie.finish())])
    }
}

/// Gathers rows of one table.
pub struct BatchBuilder {
    schema: SchemaRef,
    columns: Vec<Column>,
    /// `_version` and `_tie`, for a table whose rows have them.
    versions: Option<(TimestampMicrosecondBuilder, UInt64Builder)>,
    owners: Option<Owners>,
    rows: usize,
    bytes: usize,
}

impl BatchBuilder {
    /// An empty one.
    #[must_use]
    pub fn new(table: Table) -> Self {
        let has_versions = !matches!(table, Table::Edge(edge) if !edge.is_keyed());
        Self {
            schema: table.stream_schema(),
            columns: table.record_fields().iter().map(|f| Column::new(f.data_type())).collect(),
            versions: has_versions.then(|| (time_builder(), UInt64Builder::new())),
            owners: None,
            rows: 0,
            bytes: 0,
        }
    }

    /// Appends a row: one cell for each of the table's [`record_fields`](Table::record_fields). Edges that are told
    /// apart by their ends have no version.
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
        if let Some((at, tie)) = &mut self.versions {
            at.append_option(version.map(|v| v.at));
            tie.append_option(version.map(|v| v.tie));
        }
        match (&mut self.owners, owner) {
            (Some(owners), owner) => owners.push(owner),
            (none, Some(_)) => none.insert(Owners::new(self.rows)).push(owner),
            (None, None) => {}
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
        if let Some((at, tie)) = &mut self.versions {
            arrays.push(Arc::new(at.finish()));
            arrays.push(Arc::new(tie.finish()));
        }
        if let Some(owners) = self.owners.take() {
            self.fill(&mut arrays, 4);
            arrays.extend(owners.finish()?);
        }
        self.fill(&mut arrays, 0);
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map(Some)
    }

    /// Adds columns of nulls, up to the last `but` ones.
    fn fill(&self, arrays: &mut Vec<ArrayRef>, but: usize) {
        let fields = self.schema.fields();
        for field in &fields[arrays.len()..fields.len() - but] {
            arrays.push(new_null_array(field.data_type(), self.rows));
        }
    }
}
