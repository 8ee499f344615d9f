//! Which tables are written anew, which stay as they are, and what the manifest says of each.

use schemas::catalog::{TABLES, TableEntry};
use schemas::table::Table;

use crate::manifest::{Entry, File, Manifest};
use crate::output::edges_to;
use crate::reads::Reads;
use crate::state::Merged;

/// What becomes of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Merged from what arrived; `whole` if everything it depends on was read.
    Merged {
        /// See above.
        whole: bool,
    },
    /// The manifest names the previous files again.
    Carried,
    /// Never read: the manifest does not name it.
    Unread,
}

/// Decides about a table, given how many rows arrived for it.
pub(crate) fn fate(entry: &TableEntry, reads: &Reads, arrived: u64, previous: Option<&Entry>) -> Fate {
    let whole = entry.resources.iter().chain(&entry.lookups).all(|r| reads.is_read(r));
    let started = arrived > 0 || entry.resources.iter().any(|r| reads.is_read(r));
    match (whole, previous) {
        (true, _) => Fate::Merged { whole },
        // Facts only ever add to what is there.
        (false, Some(_)) if matches!(entry.table, Table::Fact(_)) => Fate::Merged { whole },
        (false, Some(_)) => Fate::Carried,
        (false, None) if started => Fate::Merged { whole },
        (false, None) => Fate::Unread,
    }
}

/// The previous entry of a table and, of a node table, that of its `RESOURCE` edges.
pub(crate) fn previous(newest: Option<&Manifest>, table: Table) -> Option<&Entry> {
    newest?.table(&table.key())
}

/// Names of the lists behind a table.
fn resources(entry: &TableEntry) -> Vec<String> {
    entry.resources.iter().map(|r| r.name.to_owned()).collect()
}

/// When something that is not fresh was last read completely.
fn stale_since(newest: &Manifest, previous: &Entry) -> Option<String> {
    previous.stale_since.clone().or_else(|| Some(newest.started_at.clone()))
}

/// The entries of a merged table: its own and, of a node table, that of its `RESOURCE` edges.
pub(crate) fn merged_entries(index: usize, merged: Merged, whole: bool, newest: Option<&Manifest>) -> Vec<Entry> {
    let entry = &TABLES[index];
    let mut entries = vec![finish(entry, entry.table, merged.files, whole, newest)];
    entries[0].held = merged.held;
    if let Some(edges) = edges_to(entry.table) {
        entries.push(finish(entry, edges, merged.resource_edges, whole, newest));
    }
    entries
}

fn finish(entry: &TableEntry, table: Table, files: Vec<File>, whole: bool, newest: Option<&Manifest>) -> Entry {
    let mut fresh = Entry::new(table, resources(entry)).with_files(files);
    if !whole {
        match newest.zip(previous(newest, table)) {
            Some((newest, previous)) => {
                fresh.stale_since = stale_since(newest, previous);
                fresh.partial = previous.partial;
            }
            None => fresh.partial = true,
        }
    }
    fresh
}

/// The entries of a carried table: as before, but stale.
pub(crate) fn carried_entries(index: usize, newest: &Manifest) -> Vec<Entry> {
    let table = TABLES[index].table;
    let entries = [Some(table), edges_to(table)].into_iter().flatten();
    entries.filter_map(|t| previous(Some(newest), t)).map(|previous| carried(newest, previous)).collect()
}

fn carried(newest: &Manifest, previous: &Entry) -> Entry {
    Entry { stale_since: stale_since(newest, previous), ..previous.clone() }
}

/// Tables that the newest manifest names and this version does not know: they stay, for nothing is dropped in silence.
pub(crate) fn unknown_entries(newest: &Manifest) -> Vec<Entry> {
    use crate::manifest::Kind;
    let known: Vec<String> = TABLES
        .iter()
        .flat_map(|t| [Some(t.table), edges_to(t.table)])
        .flatten()
        .chain([Table::Node(&schemas::catalog::ENVIRONMENT)])
        .map(Table::key)
        .collect();
    let unknown = |e: &&Entry| !matches!(e.kind, Kind::Quarantine | Kind::Raw) && !known.contains(&e.key());
    newest.tables.iter().filter(unknown).map(|e| carried(newest, e)).collect()
}
