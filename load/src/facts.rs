//! New facts, by the UTC date on which they happened: what is held already is not written again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::{RecordBatch, TimestampMicrosecondArray};
use schemas::catalog::TABLES;
use schemas::table::Table;
use schemas::time::format_date;

use crate::block::{Picked, Row};
use crate::error::Error;
use crate::manifest::File;
use crate::merge::{Arrived, Merge};
use crate::previous::Previous;
use crate::shape::Shape;
use crate::state::{Merged, Merging};
use crate::write::{TableWriter, Writing};

const MICROS_A_DAY: i64 = 86_400_000_000;

/// Adds the facts that arrived to those in `files`.
///
/// The table is complete with the result: the files that were there, and new ones. A table in which nothing ever happened has one file
/// without rows, for the date of the run.
pub(crate) fn merge(
    merging: &Merging<'_>,
    index: usize,
    shape: &Shape,
    arrived: Arrived,
    files: &[File],
    stop: &AtomicBool,
) -> Result<Merged, Error> {
    let table = TABLES[index].table;
    let mut by_date: BTreeMap<&str, Vec<File>> = BTreeMap::new();
    for file in files {
        by_date.entry(file.date.as_deref().unwrap_or_default()).or_default().push(file.clone());
    }
    let mut rows = Merge::new(arrived, shape).map_err(merging.spill())?;
    let mut written = Vec::new();
    let mut open: Option<Date<'_>> = None;
    while let Some(row) = rows.pop().map_err(merging.spill())? {
        // Rows of a key come newest first; any one of them says the same of a thing that happened.
        while rows.pop_same(&row).map_err(merging.spill())?.is_some() {}
        let day = row.keys().time(row.row).div_euclid(MICROS_A_DAY);
        if open.as_ref().is_none_or(|date| date.day != day) {
            if let Some(date) = open.take() {
                written.extend(date.finish()?);
            }
            let held = by_date.get(format_date(day * MICROS_A_DAY).as_str());
            open = Some(Date::new(merging, table, day, held.map_or(&[], Vec::as_slice))?);
        }
        if let Some(date) = &mut open
            && !date.holds(&row)?
            && date.push(&row)?
            && stop.load(Ordering::Relaxed)
        {
            return Err(Error::Stopped);
        }
    }
    if let Some(date) = open.take() {
        written.extend(date.finish()?);
    }
    if files.is_empty() && written.is_empty() {
        written = merging.writing.facts(table, format_date(merging.started)).finish()?;
    }
    // The file without rows has done its duty as soon as there is one with some.
    let all: Vec<File> = files.iter().cloned().chain(written).collect();
    let full = all.iter().any(|f| f.rows > 0);
    let files = all.into_iter().filter(|f| !full || f.rows > 0).collect();
    Ok(Merged { files, ..Merged::default() })
}

/// One date: the facts held of it, and the file for new ones.
struct Date<'a> {
    day: i64,
    table: Table,
    writing: &'a Writing,
    lastupdated: i64,
    held: Vec<Previous<'a>>,
    picked: Picked,
    writer: Option<TableWriter<'a>>,
}

impl<'a> Date<'a> {
    fn new(merging: &Merging<'a>, table: Table, day: i64, held: &'a [File]) -> Result<Self, Error> {
        let place = &merging.writing.place;
        // Files of a date overlap, for each run adds one: each is read beside the others.
        let open = |file: &'a File| Previous::columns(place, table, std::slice::from_ref(file), &["created_at", "id"]);
        let held = held.iter().map(open).collect::<Result<_, _>>()?;
        let (writing, lastupdated) = (merging.writing, merging.started);
        Ok(Self { day, table, writing, lastupdated, held, picked: Picked::default(), writer: None })
    }

    /// True if the fact is in the lake already.
    fn holds(&mut self, row: &Row) -> Result<bool, Error> {
        for held in &mut self.held {
            while let Some(old) = held.peek() {
                match old.keys().compare_key(old.row, row.keys(), row.row) {
                    std::cmp::Ordering::Less => held.advance()?,
                    std::cmp::Ordering::Equal => return Ok(true),
                    std::cmp::Ordering::Greater => break,
                }
            }
        }
        Ok(false)
    }

    /// Appends a new fact; true if a batch was written.
    fn push(&mut self, row: &Row) -> Result<bool, Error> {
        self.picked.push(row);
        if self.picked.is_full() {
            self.write()?;
            return Ok(true);
        }
        Ok(false)
    }

    fn write(&mut self) -> Result<(), Error> {
        let rows = self.picked.len();
        let failed = |source| Error::Arrow { table: self.table.key(), source };
        let mut columns = self.picked.take(self.table.record_fields().len()).map_err(failed)?;
        let lastupdated = TimestampMicrosecondArray::from_value(self.lastupdated, rows).with_timezone("UTC");
        columns.push(Arc::new(lastupdated));
        let batch = RecordBatch::try_new(self.table.lake_schema(), columns).map_err(failed)?;
        let (writing, table, day) = (self.writing, self.table, self.day);
        let writer = self.writer.get_or_insert_with(|| writing.facts(table, format_date(day * MICROS_A_DAY)));
        writer.write(&batch)
    }

    fn finish(mut self) -> Result<Vec<File>, Error> {
        if self.picked.len() > 0 {
            self.write()?;
        }
        self.writer.map_or(Ok(Vec::new()), TableWriter::finish)
    }
}
