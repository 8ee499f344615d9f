//! How the rows of a table are laid out while they are held, told apart and ordered.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Int64Type, TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use schemas::catalog::RESOURCES;
use schemas::table::{TIE, Table, VERSION};

/// Name of the column that holds the owner's fingerprint, in place of the stream's four columns.
pub(crate) const OWNER: &str = "_owner";

/// Rows of one table as they are held between intake and merge: what a record gives, then `_version`, `_tie` and, where
/// rows have owners, `_owner`.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// For errors.
    pub name: Arc<str>,
    pub schema: SchemaRef,
    /// Columns that a record gives; they come first in the lake's files as well.
    pub fields: usize,
    pub columns: Columns,
}

/// Where the columns stand that decide the order of rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Columns {
    /// `created_at`, of facts.
    pub time: Option<usize>,
    /// `id`, or `source_id` of edges without an id of their own.
    pub first: usize,
    /// `target_id` of edges without an id of their own.
    pub second: Option<usize>,
    pub version: Option<usize>,
    pub tie: Option<usize>,
    pub owner: Option<usize>,
}

impl Columns {
    /// The columns that tell rows of `table` apart, as they are called in `schema`.
    pub fn keys(table: Table, schema: &Schema) -> Self {
        let find = |name: &str| schema.index_of(name).ok();
        let paired = matches!(table, Table::Edge(edge) if !edge.is_keyed());
        Self {
            time: matches!(table, Table::Fact(_)).then(|| find("created_at")).flatten(),
            first: find(key_column(table)).unwrap_or_default(),
            second: paired.then(|| find("target_id")).flatten(),
            ..Self::default()
        }
    }
}

/// The column by which files of a table are sorted first, facts within their date excepted.
pub(crate) fn key_column(table: Table) -> &'static str {
    match table {
        Table::Edge(edge) if !edge.is_keyed() => "source_id",
        _ => "id",
    }
}

/// True if rows of the table are read from objects of another: edges, and rows embedded in others.
fn is_owned(table: Table) -> bool {
    match table {
        Table::Edge(_) => true,
        Table::Node(node) => RESOURCES.iter().flat_map(|r| r.record.embedded).any(|e| std::ptr::eq(e.table, node)),
        Table::Fact(_) => false,
    }
}

impl Shape {
    pub fn of(table: Table) -> Self {
        let mut fields = table.record_fields();
        let count = fields.len();
        fields.push(Field::new(VERSION, schemas::table::time_type(), true));
        fields.push(Field::new(TIE, DataType::UInt64, true));
        if is_owned(table) {
            fields.push(Field::new(OWNER, Decimal128Array::from(Vec::<i128>::new()).data_type().clone(), true));
        }
        let owner = is_owned(table).then_some(count + 2);
        let schema = Arc::new(Schema::new(fields));
        let columns = Columns { version: Some(count), tie: Some(count + 1), owner, ..Columns::keys(table, &schema) };
        Self { name: table.key().into(), schema, fields: count, columns }
    }
}

/// The key columns of a batch, ready to be compared.
#[derive(Debug)]
pub(crate) struct Keys {
    batch: RecordBatch,
    fields: usize,
    time: Option<TimestampMicrosecondArray>,
    first: StringArray,
    second: Option<StringArray>,
    version: Option<TimestampMicrosecondArray>,
    tie: Option<UInt64Array>,
    owner: Option<Decimal128Array>,
}

impl Keys {
    pub fn new(batch: RecordBatch, columns: Columns, fields: usize) -> Self {
        let time = |i: usize| batch.column(i).as_primitive::<TimestampMicrosecondType>().clone();
        let text = |i: usize| batch.column(i).as_string::<i32>().clone();
        Self {
            fields,
            time: columns.time.map(time),
            first: text(columns.first),
            second: columns.second.map(text),
            version: columns.version.map(time),
            tie: columns.tie.map(|i| batch.column(i).as_primitive::<UInt64Type>().clone()),
            owner: columns.owner.map(|i| batch.column(i).as_primitive::<Decimal128Type>().clone()),
            batch,
        }
    }

    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    pub fn first(&self, row: usize) -> &str {
        self.first.value(row)
    }

    pub fn time(&self, row: usize) -> i64 {
        self.time.as_ref().map_or(0, |t| t.value(row))
    }

    /// Version and tie; a row without them is older than any with.
    pub fn version(&self, row: usize) -> (i64, u64) {
        let version = self.version.as_ref().filter(|v| v.is_valid(row)).map_or(i64::MIN, |v| v.value(row));
        (version, self.tie.as_ref().filter(|t| t.is_valid(row)).map_or(0, |t| t.value(row)))
    }

    /// The fingerprint of the object that the row was read from.
    pub fn owner(&self, row: usize) -> Option<u128> {
        self.owner.as_ref().filter(|o| o.is_valid(row)).map(|o| o.value(row).cast_unsigned())
    }

    /// An integer that orders most rows: rows with different ones are ordered by it. `skip` bytes that all first keys
    /// share are left out: what ids have in common says nothing.
    pub fn prefix(&self, row: usize, skip: usize) -> u64 {
        if let Some(time) = &self.time {
            return time.value(row).cast_unsigned() ^ (1 << 63);
        }
        let rest = self.first.value(row).as_bytes().get(skip..).unwrap_or_default();
        if let Some(eight) = rest.first_chunk::<8>() {
            return u64::from_be_bytes(*eight);
        }
        let mut padded = [0; 8];
        padded[..rest.len()].copy_from_slice(rest);
        u64::from_be_bytes(padded)
    }

    /// Order by what tells rows apart.
    pub fn compare_key(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        self.time(row)
            .cmp(&other.time(other_row))
            .then_with(|| self.first.value(row).cmp(other.first.value(other_row)))
            .then_with(|| match (&self.second, &other.second) {
                (Some(a), Some(b)) => a.value(row).cmp(b.value(other_row)),
                _ => Ordering::Equal,
            })
    }

    /// Total order of held rows: by key, then newest first. What is equal even in version is ordered by owner and content, so that
    /// the order of arrival never decides.
    pub fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        self.compare_key(row, other, other_row)
            .then_with(|| other.version(other_row).cmp(&self.version(row)))
            .then_with(|| self.owner(row).cmp(&other.owner(other_row)))
            .then_with(|| self.compare_content(row, other, other_row))
    }

    fn compare_content(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let columns = self.batch.columns().iter().zip(other.batch.columns()).take(self.fields);
        columns.map(|(a, b)| compare_cells(a, row, b, other_row)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }
}

fn compare_cells(a: &ArrayRef, i: usize, b: &ArrayRef, j: usize) -> Ordering {
    if a.is_null(i) || b.is_null(j) {
        return a.is_null(i).cmp(&b.is_null(j));
    }
    match a.data_type() {
        DataType::Utf8 => a.as_string::<i32>().value(i).cmp(b.as_string::<i32>().value(j)),
        DataType::Boolean => a.as_boolean().value(i).cmp(&b.as_boolean().value(j)),
        DataType::Int64 => a.as_primitive::<Int64Type>().value(i).cmp(&b.as_primitive::<Int64Type>().value(j)),
        DataType::Timestamp(..) => a
            .as_primitive::<TimestampMicrosecondType>()
            .value(i)
            .cmp(&b.as_primitive::<TimestampMicrosecondType>().value(j)),
        DataType::List(_) => {
            let (a, b) = (a.as_list::<i32>().value(i), b.as_list::<i32>().value(j));
            a.as_string::<i32>().iter().cmp(b.as_string::<i32>())
        }
        _ => Ordering::Equal,
    }
}

/// The bytes that all texts of a column have in common at their beginning.
#[derive(Debug, Default, Clone)]
pub(crate) struct Common {
    first: Vec<u8>,
    len: usize,
    seen: bool,
}

impl Common {
    pub fn extend(&mut self, texts: &StringArray) {
        for text in texts.iter().flatten().map(str::as_bytes) {
            if !self.seen {
                self.first = text.to_vec();
                self.len = text.len();
                self.seen = true;
            }
            if text.get(..self.len) != Some(&self.first[..self.len]) {
                self.len = text.iter().zip(&self.first[..self.len]).take_while(|(a, b)| a == b).count();
            }
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }
}
