//! Where rows wait for the end of the stream: in memory up to a budget, in sorted runs beyond it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int8Type, TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};

use crate::error::Error;
use crate::fingerprint::Fingerprints;
use crate::merge::{Arrived, Merge};
use crate::run::{Run, Sorted};
use crate::shape::{Common, Shape};

/// Runs of one level that are merged into one of the next, so that a merge never reads from more than a few dozen.
const RUNS_A_LEVEL: usize = 64;

/// Rows of every table, as they arrive.
pub(crate) struct Intake {
    tables: Vec<Waiting>,
    budget: usize,
    /// Bytes of the batches in memory, less those that are being spilled.
    held: usize,
    dir: PathBuf,
    fingerprints: Fingerprints,
    /// At most one table is spilled at a time, on a thread of its own, while others go on filling up.
    spilling: Option<Spilling>,
}

struct Spilling {
    table: usize,
    bytes: usize,
    runs: JoinHandle<Result<Vec<Run>, ArrowError>>,
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
        Self { tables, budget, held: 0, dir, fingerprints: Fingerprints::default(), spilling: None }
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
        // Most of the budget is for what arrives: runs should be few, and one is spilled faster than the next fills.
        let spilling = self.spilling.as_ref().map_or(0, |s| s.bytes);
        if self.held + spilling > self.budget {
            self.join()?;
        }
        if self.held > self.budget / 4 * 3 && self.spilling.as_ref().is_none_or(|s| s.runs.is_finished()) {
            self.join()?;
            self.spill_largest();
        }
        Ok(())
    }

    fn spill_largest(&mut self) {
        let Some((table, waiting)) = self.tables.iter_mut().enumerate().max_by_key(|(_, t)| t.held) else { return };
        let bytes = std::mem::take(&mut waiting.held);
        self.held -= bytes;
        let batches = std::mem::take(&mut waiting.arrived.batches);
        let runs = std::mem::take(&mut waiting.arrived.runs);
        let (shape, common, dir) = (waiting.shape.clone(), waiting.arrived.common.clone(), self.dir.clone());
        let runs = std::thread::spawn(move || spill(batches, runs, &shape, &common, &dir));
        self.spilling = Some(Spilling { table, bytes, runs });
    }

    /// Waits for what is being spilled.
    fn join(&mut self) -> Result<(), Error> {
        let Some(Spilling { table, runs, .. }) = self.spilling.take() else { return Ok(()) };
        let runs = runs.join().map_err(|_| Error::Died("while rows were spilled".to_owned()))?;
        let failed = |source| Error::Spill { dir: self.dir.display().to_string(), source };
        self.tables[table].arrived.runs = runs.map_err(failed)?;
        Ok(())
    }

    /// Hands over everything that arrived, by table.
    pub fn finish(mut self) -> Result<Vec<(Shape, Arrived)>, Error> {
        self.join()?;
        Ok(self.tables.into_iter().map(|t| (t.shape, t.arrived)).collect())
    }
}

/// Adds the batches, sorted, to a table's runs.
fn spill(
    batches: Vec<RecordBatch>,
    mut runs: Vec<Run>,
    shape: &Shape,
    common: &Common,
    dir: &Path,
) -> Result<Vec<Run>, ArrowError> {
    runs.push(Run::write(Sorted::new(batches, shape, common).map(Ok), shape, 0, dir)?);
    let mut level = 0;
    while runs.iter().filter(|r| r.level == level).count() >= RUNS_A_LEVEL {
        let (full, rest) = runs.into_iter().partition(|r| r.level == level);
        runs = rest;
        let merge = Merge::new(Arrived { runs: full, common: common.clone(), ..Arrived::default() }, shape)?;
        level += 1;
        runs.push(Run::write(merge, shape, level, dir)?);
    }
    Ok(runs)
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
