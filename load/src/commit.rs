//! From everything that arrived to a manifest, and from the manifest to a commit.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use object_store::{ObjectStore, PutMode, PutOptions, PutPayload};
use schemas::catalog::{ENVIRONMENT, TABLES};
use schemas::table::Table;

use crate::carry::needs;
use crate::error::Error;
use crate::jobs::{self, Job};
use crate::manifest::{self, Entry, Manifest};
use crate::merge::Arrived;
use crate::plan::{self, Fate};
use crate::shape::Shape;
use crate::state::{Merged, Merging};
use crate::{facts, output, previous, quarantine, state};

/// Merges and writes every table; the entries for the manifest, in the order of the catalog.
pub(crate) fn tables(
    merging: &Merging<'_>,
    mut arrived: Vec<(Shape, Arrived)>,
    newest: Option<&Manifest>,
    max_shrink: f64,
    threads: usize,
) -> Result<Vec<Entry>, Error> {
    let set_aside = arrived.split_off(TABLES.len());
    let mut fates = Vec::with_capacity(TABLES.len());
    let mut jobs: Vec<Job<'_, (usize, Vec<Entry>)>> = Vec::new();
    for (index, (shape, arrived)) in arrived.into_iter().enumerate() {
        let entry = &TABLES[index];
        let fate = plan::fate(entry, &merging.known.reads, arrived.rows, plan::previous(newest, entry.table));
        fates.push(fate);
        let Fate::Merged { whole } = fate else { continue };
        let cost = arrived.bytes;
        let work = move |stop: &AtomicBool| {
            let entries = table(merging, index, &shape, arrived, newest, whole, stop)?;
            for entry in &entries {
                check_shrink(entry, newest, max_shrink)?;
            }
            Ok((index, entries))
        };
        jobs.push(Job { id: index, after: needs(index), cost, work: Box::new(work) });
    }
    for (i, (shape, arrived)) in set_aside.into_iter().enumerate() {
        let id = TABLES.len() + i;
        let cost = arrived.bytes;
        let work = move |_: &AtomicBool| Ok((id, quarantine::write(merging, &shape, arrived)?.into_iter().collect()));
        jobs.push(Job { id, after: Vec::new(), cost, work: Box::new(work) });
    }
    let mut written = jobs::run(jobs, threads)?;
    for (index, fate) in fates.into_iter().enumerate() {
        if let (Fate::Carried, Some(newest)) = (fate, newest) {
            written.push((index, plan::carried_entries(index, newest)));
        }
    }
    written.sort_by_key(|(index, _)| *index);
    let mut entries = vec![environment(merging, newest)?];
    entries.extend(written.into_iter().flat_map(|(_, entries)| entries));
    entries.extend(newest.into_iter().flat_map(plan::unknown_entries));
    Ok(entries)
}

fn table(
    merging: &Merging<'_>,
    index: usize,
    shape: &Shape,
    arrived: Arrived,
    newest: Option<&Manifest>,
    whole: bool,
    stop: &AtomicBool,
) -> Result<Vec<Entry>, Error> {
    let table = TABLES[index].table;
    let files = plan::previous(newest, table).map_or(&[][..], |e| &e.files);
    tracing::debug!(table = %shape.name, rows = arrived.rows, runs = arrived.runs.len(), "merging");
    let merged: Merged = match table {
        Table::Fact(_) => facts::merge(merging, index, shape, arrived, files, stop)?,
        _ => state::merge(merging, index, shape, arrived, files, stop)?,
    };
    let whole = whole && merged.carried == 0 && !merging.known.is_torn(index);
    Ok(plan::merged_entries(index, merged, whole, newest))
}

fn environment(merging: &Merging<'_>, newest: Option<&Manifest>) -> Result<Entry, Error> {
    let table = Table::Node(&ENVIRONMENT);
    let files = plan::previous(newest, table).map_or(&[][..], |e| &e.files);
    let firstseen = previous::first_seen(&merging.writing.place, table, files)?.unwrap_or(merging.started);
    let files = output::environment(merging.writing, merging.environment, firstseen, merging.started)?;
    Ok(Entry::new(table, Vec::new()).with_files(files))
}

/// A broken answer must not look like a mass deletion.
fn check_shrink(entry: &Entry, newest: Option<&Manifest>, max_shrink: f64) -> Result<(), Error> {
    const NEGLIGIBLE: u64 = 100;
    let Some(was) = newest.and_then(|n| n.table(&entry.key())).map(|e| e.rows) else { return Ok(()) };
    let lost = was.saturating_sub(entry.rows);
    if lost > NEGLIGIBLE && lost as f64 > was as f64 * max_shrink {
        return Err(Error::Shrunk { table: entry.key(), was, now: entry.rows, max_shrink });
    }
    Ok(())
}

/// Puts the manifest under its number, if nobody else did.
pub(crate) async fn publish(
    store: &Arc<dyn ObjectStore>,
    manifest: &Manifest,
    single_writer: bool,
) -> Result<(), Error> {
    let path = manifest::path(manifest.number);
    let json = |source| Error::Manifest { path: path.to_string(), source };
    let mut text = serde_json::to_vec(manifest).map_err(json)?;
    text.push(b'\n');
    let payload = PutPayload::from(text);
    let create = PutOptions::from(PutMode::Create);
    let failed = match store.put_opts(&path, payload.clone(), create.clone()).await {
        Ok(_) => return Ok(()),
        Err(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) if single_writer => {
            match store.put_opts(&path, payload, PutOptions::from(PutMode::Overwrite)).await {
                Ok(_) => return Ok(()),
                Err(e) => e,
            }
        }
        // An answer may be lost although the object is there; asking once more settles it either way.
        Err(object_store::Error::AlreadyExists { path, source }) => object_store::Error::AlreadyExists { path, source },
        Err(_) => match store.put_opts(&path, payload, create).await {
            Ok(_) => return Ok(()),
            Err(e) => e,
        },
    };
    match manifest::read(store.as_ref(), manifest.number).await {
        Ok(there) if there.load_id == manifest.load_id => Ok(()),
        Ok(_) | Err(Error::Protocol { .. }) => Err(Error::LostRace { number: manifest.number }),
        Err(Error::Store { source: object_store::Error::NotFound { .. }, .. }) => {
            Err(Error::Store { what: "write", path: path.to_string(), source: failed })
        }
        Err(_) => Err(Error::Unsettled { path: path.to_string(), source: failed }),
    }
}
