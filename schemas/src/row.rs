//! Rows as lines of newline-delimited JSON: the form in which batches travel between processes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int8Type, Int64Type, TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::ArrowError;

use crate::batch::{BatchBuilder, Cell, Owner, Version};
use crate::catalog::TABLES;
use crate::json::{self, Scanner};
use crate::stream::{self, RowItem};
use crate::table::{ColumnType, Table};
use crate::time;

/// Appends one item as a line, or a batch as a line for each row.
///
/// # Errors
/// If a batch is not of its table's stream schema.
pub fn write(item: &RowItem, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    let line = match item {
        RowItem::Batch { table, batch } => return write_batch(TABLES[*table].table, batch, out),
        RowItem::Begin(begin) => stream::line("begin", begin),
        RowItem::Quarantine(quarantine) => stream::line("quarantine", quarantine),
        RowItem::Done(done) => stream::line("done", done),
        RowItem::State(state) => stream::line("state", state),
        RowItem::End(end) => stream::line("end", end),
    };
    let line = line.map_err(|e| ArrowError::ExternalError(Box::new(e)))?;
    out.extend_from_slice(line.as_bytes());
    Ok(())
}

fn write_batch(table: Table, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    let fields = table.record_fields();
    if batch.num_columns() != fields.len() + 6 {
        return Err(ArrowError::SchemaError(format!(
            "a batch for {} has {} columns",
            table.key(),
            batch.num_columns()
        )));
    }
    let names: Vec<String> = fields.iter().map(|f| format!("\"{}\":", f.name())).collect();
    let kinds = column_types(table);
    let trailing = |i: usize| batch.column(fields.len() + i);
    let version = trailing(0).as_primitive::<TimestampMicrosecondType>();
    let tie = trailing(1).as_primitive::<UInt64Type>();
    let owner_table = trailing(2).as_dictionary::<Int8Type>();
    let owner_labels: &StringArray = owner_table.values().as_string();
    let owner_id = trailing(3).as_string::<i32>();
    let owner_version = trailing(4).as_primitive::<TimestampMicrosecondType>();
    let owner_tie = trailing(5).as_primitive::<UInt64Type>();
    let head = match table {
        Table::Node(t) => format!("{{\"kind\":\"row\",\"table\":\"{}\"", t.label),
        Table::Fact(t) => format!("{{\"kind\":\"row\",\"table\":\"{}\"", t.name),
        Table::Edge(t) => {
            format!(
                "{{\"kind\":\"edge\",\"type\":\"{}\",\"from\":\"{}\",\"to\":\"{}\"",
                t.kind, t.from.label, t.to.label
            )
        }
    };
    for row in 0..batch.num_rows() {
        out.extend_from_slice(head.as_bytes());
        // A fact does not change: it has a tie, but no version.
        if version.is_valid(row) && !matches!(table, Table::Fact(_)) {
            write!(out, ",\"version\":\"{}\"", time::format(version.value(row)))?;
        }
        if tie.is_valid(row) {
            write!(out, ",\"tie\":\"{:016x}\"", tie.value(row))?;
        }
        if let Some(label) = owner_table.key(row) {
            write!(out, ",\"owner\":{{\"table\":\"{}\",\"id\":", owner_labels.value(label))?;
            write_text(owner_id.value(row), out)?;
            let version = time::format(owner_version.value(row));
            write!(out, ",\"version\":\"{version}\",\"tie\":\"{:016x}\"}}", owner_tie.value(row))?;
        }
        out.extend_from_slice(b",\"row\":{");
        let mut first = true;
        for (column, (name, kind)) in names.iter().zip(&kinds).enumerate() {
            let array = batch.column(column);
            if array.is_null(row) {
                continue;
            }
            if !first {
                out.push(b',');
            }
            first = false;
            out.extend_from_slice(name.as_bytes());
            write_value(*kind, array, row, out)?;
        }
        out.extend_from_slice(b"}}\n");
    }
    Ok(())
}

/// The catalog's type of each of a table's record fields.
fn column_types(table: Table) -> Vec<ColumnType> {
    let declared: HashMap<&str, ColumnType> = table.lake_columns().into_iter().collect();
    table.record_fields().iter().map(|f| declared[f.name().as_str()]).collect()
}

fn write_value(kind: ColumnType, array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    match kind {
        ColumnType::Text => write_text(array.as_string::<i32>().value(row), out)?,
        ColumnType::Json => out.extend_from_slice(array.as_string::<i32>().value(row).as_bytes()),
        ColumnType::Bool => write!(out, "{}", array.as_boolean().value(row))?,
        ColumnType::Int => write!(out, "{}", array.as_primitive::<Int64Type>().value(row))?,
        ColumnType::Time => {
            write!(out, "\"{}\"", time::format(array.as_primitive::<TimestampMicrosecondType>().value(row)))?;
        }
        ColumnType::List => {
            let items = array.as_list::<i32>().value(row);
            let items = items.as_string::<i32>();
            out.push(b'[');
            for i in 0..items.len() {
                if i > 0 {
                    out.push(b',');
                }
                if items.is_null(i) {
                    out.extend_from_slice(b"null");
                } else {
                    write_text(items.value(i), out)?;
                }
            }
            out.push(b']');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    serde_json::to_writer(out, text).map_err(|e| ArrowError::ExternalError(Box::new(e)))
}

/// Why a line is not of the row stream.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The line is not JSON.
    #[error(transparent)]
    Json(#[from] json::Error),
    /// A record that is not of its form.
    #[error("the line is no `{kind}` record of protocol {}", stream::PROTOCOL)]
    Record {
        /// The line's `kind`.
        kind: String,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// A row for a table that the catalog does not have.
    #[error("no table is called `{0}`: was the stream written by a newer version?")]
    Table(String),
    /// A member with a value of another type, or one that is missing.
    #[error("table `{table}`: `{member}` is no {expected}")]
    Value {
        /// The table.
        table: String,
        /// The member.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Something follows the stream's last line.
    #[error("a row follows the stream's `end`")]
    AfterEnd,
    /// The rows do not make a batch.
    #[error("the rows do not make a batch")]
    Arrow(#[from] ArrowError),
    /// The stream is of another protocol.
    #[error("the stream is of protocol {found}, this version reads {}", stream::PROTOCOL)]
    Protocol {
        /// What the stream says.
        found: u32,
    },
}

/// Reads lines of the row stream back into batches.
pub struct Reader {
    tables: HashMap<String, usize>,
    builders: Vec<Option<TableReader>>,
    ended: bool,
}

struct TableReader {
    columns: Vec<(&'static str, ColumnType, bool)>,
    builder: BatchBuilder,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            tables: TABLES.iter().enumerate().map(|(i, t)| (t.key.clone(), i)).collect(),
            builders: TABLES.iter().map(|_| None).collect(),
            ended: false,
        }
    }
}

impl Reader {
    /// Reads one line; `emit` gets what is complete: full batches, and at `end` all others first.
    pub fn line(&mut self, line: &str, emit: &mut impl FnMut(RowItem)) -> Result<(), Error> {
        let Line { kind, table, version, owner, row } = Line::read(line)?;
        let record = |source| Error::Record { kind: kind.to_string(), source };
        match kind.as_ref() {
            "row" | "edge" if self.ended => return Err(Error::AfterEnd),
            "row" | "edge" => {
                let index = *self.tables.get(&table).ok_or(Error::Table(table))?;
                if let Some(batch) = self.row(index, row, version, owner.as_ref())? {
                    emit(RowItem::Batch { table: index, batch });
                }
            }
            "begin" => {
                let begin: stream::Begin = serde_json::from_str(line).map_err(record)?;
                if begin.protocol != stream::PROTOCOL {
                    return Err(Error::Protocol { found: begin.protocol });
                }
                emit(RowItem::Begin(begin));
            }
            "quarantine" => emit(RowItem::Quarantine(serde_json::from_str(line).map_err(record)?)),
            "done" => emit(RowItem::Done(serde_json::from_str(line).map_err(record)?)),
            "state" => emit(RowItem::State(serde_json::from_str(line).map_err(record)?)),
            "end" => {
                let end = serde_json::from_str(line).map_err(record)?;
                self.ended = true;
                for (table, reader) in self.builders.iter_mut().enumerate() {
                    if let Some(batch) = reader.as_mut().map(|r| r.builder.finish()).transpose()?.flatten() {
                        emit(RowItem::Batch { table, batch });
                    }
                }
                emit(RowItem::End(end));
            }
            _ => {}
        }
        Ok(())
    }

    fn row(
        &mut self,
        index: usize,
        row: &str,
        version: Option<Version>,
        owner: Option<&(Cow<'_, str>, Cow<'_, str>, Version)>,
    ) -> Result<Option<RecordBatch>, Error> {
        let entry = &TABLES[index];
        let reader = self.builders[index].get_or_insert_with(|| TableReader {
            columns: entry
                .table
                .record_fields()
                .iter()
                .zip(column_types(entry.table))
                .map(|(f, kind)| {
                    (
                        entry.table.lake_columns().iter().find(|c| c.0 == f.name()).map_or("", |c| c.0),
                        kind,
                        f.is_nullable(),
                    )
                })
                .collect(),
            builder: BatchBuilder::new(entry.table),
        });
        let mut cells = vec![Cell::Null; reader.columns.len()];
        let mut next = 0;
        let mut misfit = None;
        Scanner::new(row).object(|scanner, key| {
            let value = scanner.value()?.of(row);
            let name = key.of(row).trim_matches('"');
            // Members are written in the order of the columns.
            let found = (next..cells.len()).chain(0..next).find(|&i| reader.columns[i].0 == name);
            if let Some(i) = found {
                next = i + 1;
                match cell(reader.columns[i].1, value) {
                    Some(cell) => cells[i] = cell,
                    None => misfit = Some((reader.columns[i].0, reader.columns[i].1.name())),
                }
            }
            Ok(())
        })?;
        let missing =
            reader.columns.iter().zip(&cells).find(|((_, _, nullable), cell)| !nullable && **cell == Cell::Null);
        if let Some((member, expected)) = misfit.or(missing.map(|((name, kind, _), _)| (*name, kind.name()))) {
            return Err(Error::Value { table: entry.key.clone(), member, expected });
        }
        let owner = owner.map(|(table, id, version)| Owner { table, id, version: *version });
        reader.builder.push(&cells, version, owner)?;
        Ok(if reader.builder.is_full() { reader.builder.finish()? } else { None })
    }
}

fn cell(kind: ColumnType, value: &str) -> Option<Cell<'_>> {
    if value == "null" {
        return Some(Cell::Null);
    }
    Some(match kind {
        ColumnType::Text => Cell::Text(json::text(value)?),
        ColumnType::Json => Cell::Text(Cow::Borrowed(value)),
        ColumnType::Bool => Cell::Bool(value.parse().ok()?),
        ColumnType::Int => Cell::Int(value.parse().ok()?),
        ColumnType::Time => Cell::Time(time::parse(&json::text(value)?)?),
        ColumnType::List => {
            let mut items = Vec::new();
            for item in value.starts_with('[').then(|| json::elements(value))? {
                items.push(if item == "null" { None } else { Some(json::text(item)?) });
            }
            Cell::List(items)
        }
    })
}

/// The members of a line that tell what it is.
struct Line<'a> {
    kind: Cow<'a, str>,
    table: String,
    version: Option<Version>,
    owner: Option<(Cow<'a, str>, Cow<'a, str>, Version)>,
    row: &'a str,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Result<Self, Error> {
        let mut members = [None; 8];
        let names = ["kind", "table", "type", "from", "to", "version", "tie", "owner"];
        let mut row = "{}";
        let mut scanner = Scanner::new(line);
        scanner.object(|scanner, key| {
            let value = scanner.value()?.of(line);
            match names.iter().position(|n| *n == key.of(line).trim_matches('"')) {
                Some(i) => members[i] = Some(value),
                None if key.of(line) == "\"row\"" => row = value,
                None => {}
            }
            Ok(())
        })?;
        scanner.end()?;
        let text = |i: usize| members[i].and_then(json::text).unwrap_or_default();
        let kind = text(0);
        let table = if kind == "edge" { format!("{}/{}/{}", text(2), text(3), text(4)) } else { text(1).into_owned() };
        let wrong = |member, expected| Error::Value { table: table.clone(), member, expected };
        let version = match (members[5], members[6]) {
            (_, None) => None,
            (at, Some(_)) => {
                let at = at.map_or(Some(0), |_| time::parse(&text(5))).ok_or_else(|| wrong("version", "time"))?;
                Some(Version { at, tie: hash(&text(6)).ok_or_else(|| wrong("tie", "hash"))? })
            }
        };
        let owner = match members[7].filter(|m| *m != "null") {
            None => None,
            Some(owner) => {
                let part = |name| json::member(owner, name).and_then(json::text);
                let version = part("version").and_then(|v| time::parse(&v)).zip(part("tie").and_then(|t| hash(&t)));
                let (at, tie) = version.ok_or_else(|| wrong("owner", "version"))?;
                let ids = part("table").zip(part("id")).ok_or_else(|| wrong("owner", "object"))?;
                Some((ids.0, ids.1, Version { at, tie }))
            }
        };
        Ok(Self { kind, table, version, owner, row })
    }
}

fn hash(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}
