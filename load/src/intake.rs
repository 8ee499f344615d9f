//! Where rows wait for the end of the stream: in memory up to a budget, in sorted runs beyond it.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int8Type, TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, RecordBatch};
use arrow_schema::SchemaRef;

use crate::error::Error;
use crate::fingerprint::Fingerprints;
use crate::merge::{Arrived, Merge};
use crate::run::{Run, Sorted};
use crate::shape::Shape;

/// Runs of one level that are merged into one of the next, so that a merge never reads from more than a few dozen.
const RUNS_A_LEVEL: usize = 32;

/// Rows of every table, as they arrive.
pub(crate) struct Intake {
    tables: Vec<Waiting>,
    budget: usize,
    held: usize,
    dir: PathBuf,
    fingerprints: Fingerprints,
}

struct Waiting {
    shape: Shape,
    /// What batches must look like.
    schema: SchemaRef,
    arrived: Arrived,
    /// Bytes of the batches in memory.
    held: usize,
}

impl Intake {
    /// For tables of these shapes, with the schemas in which their rows arrive.
    pub fn new(shapes: impl IntoIterator<Item = (Shape, SchemaRef)>, budget: usize, dir: PathBuf) -> Self {
        let waiting = |(shape, schema)| Waiting { shape, schema, arrived: Arrived::default(), held: 0 };
        let tables = shapes.into_iter().map(waiting).collect();
        Self { tables, budget, held: 0, dir, fingerprints: Fingerprints::default() }
    }

    /// Rows that have arrived for a table.
    pub fn rows(&self, table: usize) -> u64 {
        self.tables[table].arrived.rows
    }

    /// Takes a batch; whatever exceeds the budget is sorted and spilled, the largest table first.
    pub fn push(&mut self, table: usize, batch: &RecordBatch) -> Result<(), Error> {
        let Some(waiting) = self.tables.get_mut(table) else {
            return Err(Error::Stream(format!("no table has number {table}")));
        };
        if batch.schema_ref() != &waiting.schema && batch.schema_ref().fields() != waiting.schema.fields() {
            return Err(Error::Stream(format!("a batch for `{}` has other columns", waiting.shape.name)));
        }
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = held(&waiting.shape, batch, &mut self.fingerprints)?;
        if waiting.shape.columns.time.is_none() {
            waiting.arrived.common.extend(batch.column(waiting.shape.columns.first).as_string());
        }
        let bytes = batch.get_array_memory_size();
        waiting.arrived.rows += batch.num_rows() as u64;
        waiting.arrived.bytes += bytes as u64;
        waiting.arrived.batches.push(batch);
        waiting.held += bytes;
        self.held += bytes;
        while self.held > self.budget {
            self.spill_largest()?;
        }
        Ok(())
    }

    fn spill_largest(&mut self) -> Result<(), Error> {
        let Some(waiting) = self.tables.iter_mut().max_by_key(|t| t.held) else { return Ok(()) };
        self.held -= std::mem::take(&mut waiting.held);
        waiting.spill(&self.dir).map_err(|source| Error::Spill { dir: self.dir.display().to_string(), source })
    }

    /// Hands over everything that arrived, by table.
    pub fn finish(self) -> Vec<(Shape, Arrived)> {
        self.tables.into_iter().map(|t| (t.shape, t.arrived)).collect()
    }
}

impl Waiting {
    fn spill(&mut self, dir: &std::path::Path) -> Result<(), arrow_schema::ArrowError> {
        let batches = std::mem::take(&mut self.arrived.batches);
        let sorted = Sorted::new(batches, &self.shape, &self.arrived.common);
        let runs = &mut self.arrived.runs;
        runs.push(Run::write(sorted.map(Ok), &self.shape, 0, dir)?);
        let mut level = 0;
        while runs.iter().filter(|r| r.level == level).count() >= RUNS_A_LEVEL {
            let (full, rest) = std::mem::take(runs).into_iter().partition(|r| r.level == level);
            *runs = rest;
            let common = self.arrived.common.clone();
            let merge = Merge::new(Arrived { runs: full, common, ..Arrived::default() }, &self.shape)?;
            level += 1;
            runs.push(Run::write(merge, &self.shape, level, dir)?);
        }
        Ok(())
    }
}

/// The batch as it is held: the owner's four columns folded into one, or dropped where rows have no owner.
fn held(shape: &Shape, batch: &RecordBatch, fingerprints: &mut Fingerprints) -> Result<RecordBatch, Error> {
    let mut columns: Vec<ArrayRef> = batch.columns()[..shape.fields + 2].to_vec();
    if shape.columns.owner.is_some() {
        let trailing = |i: usize| batch.column(shape.fields + 2 + i);
        let tables = trailing(0).as_dictionary::<Int8Type>();
        let labels = tables.values().as_string::<i32>();
        let ids = trailing(1).as_string::<i32>();
        let versions = trailing(2).as_primitive::<TimestampMicrosecondType>();
        let ties = trailing(3).as_primitive::<UInt64Type>();
        let owner = |row: usize| {
            let label = labels.value(tables.key(row)?);
            let version = if versions.is_valid(row) { versions.value(row) } else { i64::MIN };
            let tie = if ties.is_valid(row) { ties.value(row) } else { 0 };
            Some(fingerprints.version(label, ids.value(row), version, tie).cast_signed())
        };
        // As 128-bit decimals, because Arrow has no other integer of that width that it copies fast.
        let owners: Decimal128Array = (0..batch.num_rows()).map(owner).collect();
        columns.push(Arc::new(owners));
    }
    RecordBatch::try_new(Arc::clone(&shape.schema), columns)
        .map_err(|source| Error::Arrow { table: shape.name.to_string(), source })
}
