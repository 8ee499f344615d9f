//! The merge of a state table: the newest version of each row, with what the previous commit knew of it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use arrow_schema::ArrowError;
use schemas::catalog::TABLES;
use schemas::table::Table;

use crate::block::Row;
use crate::carry::{Known, Names, Outcome, Rule, Why};
use crate::error::Error;
use crate::fingerprint::{self, Fingerprints};
use crate::manifest::File;
use crate::merge::{Arrived, Merge};
use crate::output::Output;
use crate::previous::Previous;
use crate::shape::{Shape, key_column};
use crate::write::Writing;

/// What the merges of all tables share.
pub(crate) struct Merging<'a> {
    pub writing: &'a Writing,
    pub known: &'a Known,
    pub environment: &'a str,
    /// The stream's `started_at`.
    pub started: i64,
    pub spill_dir: &'a str,
}

impl Merging<'_> {
    pub fn spill(&self) -> impl Fn(ArrowError) -> Error {
        let dir = self.spill_dir.to_owned();
        move |source| Error::Spill { dir: dir.clone(), source }
    }
}

/// A merged table.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    pub files: Vec<File>,
    /// Of a node table: its `RESOURCE` edges.
    pub resource_edges: Vec<File>,
    /// Rows of the previous commit that stay because their list could not be read.
    pub carried: u64,
    /// Rows that stand in for quarantined ones.
    pub held: u64,
}

/// Merges the table at `index` of [`TABLES`] with the files that the newest manifest names for it.
pub(crate) fn merge(
    merging: &Merging<'_>,
    index: usize,
    shape: &Shape,
    arrived: Arrived,
    files: &[File],
    stop: &AtomicBool,
) -> Result<Merged, Error> {
    let table = TABLES[index].table;
    let rules = merging.known.rules(index);
    let mut previous = open(merging, table, files, &rules)?;
    let mut selection = Selection::new(merging, index);
    let mut output = Output::new(merging.writing, table, merging.environment);
    let mut merged = Merged::default();
    let mut rows = Merge::new(arrived, shape).map_err(merging.spill())?;
    while let Some(row) = selection.next(&mut rows).map_err(merging.spill())? {
        while let Some(old) = previous.rows.peek().filter(|old| is_before(old, &row)) {
            stay(&previous, old, &rules, &mut selection.outcome, &mut output, &mut merged)?;
            previous.rows.advance()?;
        }
        let mut firstseen = merging.started;
        if let Some(old) = previous.rows.peek().filter(|old| old.same_key(&row)) {
            if outdoes(&previous, old, &row, &rules) {
                // The record that was set aside is newer than this one, and so is the last good row.
                stay(&previous, old, &rules, &mut selection.outcome, &mut output, &mut merged)?;
                selection.falls(&row, row.keys().version(row.row));
                previous.rows.advance()?;
                continue;
            }
            firstseen = time(old, previous.firstseen);
            previous.rows.advance()?;
        }
        selection.note(&row);
        let wrote = output.push(&row, firstseen, merging.started)?;
        if wrote && stop.load(Ordering::Relaxed) {
            return Err(Error::Stopped);
        }
    }
    while !rules.is_empty()
        && let Some(old) = previous.rows.peek()
    {
        stay(&previous, old, &rules, &mut selection.outcome, &mut output, &mut merged)?;
        previous.rows.advance()?;
    }
    (merged.files, merged.resource_edges) = output.finish()?;
    merging.known.decide(index, selection.outcome);
    Ok(merged)
}

fn is_before(old: &Row, row: &Row) -> bool {
    old.keys().compare_key(old.row, row.keys(), row.row).is_lt()
}

struct Old<'a> {
    rows: Previous<'a>,
    firstseen: Option<usize>,
    lastupdated: Option<usize>,
    updated_at: Option<usize>,
}

fn time(row: &Row, column: Option<usize>) -> i64 {
    column.map_or(0, |column| row.time(column))
}

/// The previous rows: whole ones only if some may stay.
fn open<'a>(merging: &Merging<'a>, table: Table, files: &'a [File], rules: &[Rule]) -> Result<Old<'a>, Error> {
    let place = &merging.writing.place;
    let rows = if rules.is_empty() {
        Previous::columns(place, table, files, &[key_column(table), "target_id", "firstseen"])?
    } else {
        Previous::rows(place, table, files)?
    };
    let index = |name: &str| rows.index(name);
    let (firstseen, lastupdated, updated_at) = (index("firstseen"), index("lastupdated"), index("updated_at"));
    Ok(Old { rows, firstseen, lastupdated, updated_at })
}

/// True if a rule says that the previous row stays.
fn applies(rule: &Rule, old: &Row) -> bool {
    let column = old.keys().batch().column(rule.column).as_string::<i32>();
    let value = column.is_valid(old.row).then(|| column.value(old.row));
    match &rule.names {
        Names::OneOf(ids) => value.is_some_and(|value| ids.contains(&fingerprint::id(value))),
        Names::AnythingBut(text) => value != Some(text),
    }
}

/// True if a record of the row's object was set aside, and the previous row is of a newer state than the fresh one.
fn outdoes(previous: &Old<'_>, old: &Row, row: &Row, rules: &[Rule]) -> bool {
    let set_aside = rules.iter().any(|rule| rule.why == Why::Quarantined && applies(rule, old));
    set_aside && previous.updated_at.is_some_and(|column| old.time(column) > row.keys().version(row.row).0)
}

/// Writes a previous row that has no fresh one, if a rule says that it stays.
fn stay(
    previous: &Old<'_>,
    old: &Row,
    rules: &[Rule],
    outcome: &mut Outcome,
    output: &mut Output<'_>,
    merged: &mut Merged,
) -> Result<(), Error> {
    // What could not be read makes children unreadable as well; what was only set aside does not.
    let why = rules.iter().filter(|rule| applies(rule, old)).map(|r| r.why);
    let Some(why) = why.reduce(|a, b| if a == Why::Unread { a } else { b }) else { return Ok(()) };
    let id = fingerprint::id(old.keys().first(old.row));
    match why {
        Why::Unread => {
            merged.carried += 1;
            outcome.carried.insert(id);
        }
        Why::Quarantined => {
            merged.held += 1;
            outcome.held.insert(id);
        }
    }
    output.push(old, time(old, previous.firstseen), time(old, previous.lastupdated))?;
    Ok(())
}

/// Picks one of the rows with the same key, and remembers what the others owned.
struct Selection<'a> {
    label: &'static str,
    losers: Vec<&'a HashSet<u128>>,
    unresolved: Vec<(usize, fingerprint::Ids)>,
    outcome: Outcome,
    fingerprints: Fingerprints,
    group: Vec<(i64, u64)>,
}

impl<'a> Selection<'a> {
    fn new(merging: &Merging<'a>, index: usize) -> Self {
        let label = match TABLES[index].table {
            Table::Node(node) => node.label,
            _ => "",
        };
        Self {
            label,
            losers: merging.known.losers(index),
            unresolved: if label.is_empty() { Vec::new() } else { merging.known.unresolved(index) },
            outcome: Outcome::default(),
            fingerprints: Fingerprints::default(),
            group: Vec::new(),
        }
    }

    fn is_alive(&self, row: &Row) -> bool {
        let fallen = |owner: u128| self.losers.iter().any(|l| l.contains(&owner));
        self.losers.is_empty() || !row.keys().owner(row.row).is_some_and(fallen)
    }

    /// The newest row of the next key that has one whose owner was not outdone.
    fn next(&mut self, rows: &mut Merge) -> Result<Option<Row>, ArrowError> {
        while let Some(first) = rows.pop()? {
            let mut newest = self.is_alive(&first).then(|| first.clone());
            self.group.clear();
            self.group.push(first.keys().version(first.row));
            while let Some(row) = rows.pop_same(&first)? {
                self.group.push(row.keys().version(row.row));
                // Rows of a key come newest first.
                if newest.is_none() && self.is_alive(&row) {
                    newest = Some(row);
                }
            }
            self.fell(&first, newest.as_ref());
            if newest.is_some() {
                return Ok(newest);
            }
        }
        Ok(None)
    }

    fn fell(&mut self, first: &Row, newest: Option<&Row>) {
        if self.label.is_empty() || self.group.len() == 1 && newest.is_some() {
            return;
        }
        let winner = newest.map(|row| row.keys().version(row.row));
        for version in std::mem::take(&mut self.group).into_iter().filter(|v| Some(*v) != winner) {
            self.falls(first, version);
        }
    }

    /// Remembers a version of the row's object as outdone.
    fn falls(&mut self, row: &Row, (version, tie): (i64, u64)) {
        let id = row.keys().first(row.row);
        self.outcome.losers.insert(self.fingerprints.version(self.label, id, version, tie));
    }

    /// Remembers a row whose look-ups could not be answered.
    fn note(&mut self, row: &Row) {
        for (column, ids) in &self.unresolved {
            let scope = row.keys().batch().column(*column).as_string::<i32>();
            if scope.is_valid(row.row) && ids.contains(&fingerprint::id(scope.value(row.row))) {
                self.outcome.unresolved.insert(fingerprint::id(row.keys().first(row.row)));
            }
        }
    }
}
