//! The last stage: rows are merged, written as partitioned Parquet and committed by a manifest.
//!
//! Rows arrive in any order and wait in memory or in sorted runs. When the stream is whole, one sorted merge of
//! each table finds duplicates, remembers when a row was first seen and keeps what could not be read; the result
//! depends on the set of rows alone. Nothing that is written belongs to the lake before the manifest names it.

mod block;
mod carry;
mod commit;
mod config;
mod encode;
mod error;
mod facts;
mod fingerprint;
mod intake;
mod jobs;
pub mod manifest;
mod merge;
mod object;
mod output;
mod plan;
mod previous;
mod probe;
mod quarantine;
mod reads;
mod run;
mod shape;
mod sink;
mod state;
pub mod views;
mod write;

use std::time::Instant;

use schemas::catalog::{TABLES, table_index};
use schemas::stream::{Begin, PROTOCOL, RowEnd, RowItem, State};
use schemas::time;
use tokio::runtime::Handle;

pub use config::Config;
pub use error::Error;
use manifest::{Drift, Entry, Manifest};

use crate::carry::Known;
use crate::intake::Intake;
use crate::quarantine::Gathered;
use crate::reads::Reads;
use crate::shape::Shape;
use crate::sink::Place;
use crate::state::Merging;
use crate::write::Writing;

/// One run of the last stage.
pub struct Load {
    config: Config,
    clock: Instant,
    newest: Option<Manifest>,
    place: Place,
    begin: Option<(Begin, i64)>,
    intake: Intake,
    quarantined: Gathered,
    /// Quarantine items that arrived.
    set_aside: u64,
    reads: Reads,
    state: Option<State>,
    end: Option<RowEnd>,
}

/// What a load came to.
#[derive(Debug)]
pub struct Committed {
    /// The manifest, as it was put.
    pub manifest: Manifest,
    /// Files that this load wrote.
    pub files: usize,
    /// Bytes in them.
    pub bytes: u64,
    /// Rows in them.
    pub rows: u64,
}

impl Load {
    /// Reads the newest manifest, and finds out whether the store is fit for commits.
    ///
    /// Must be called within a Tokio runtime, which then serves the store.
    pub async fn open(config: Config) -> Result<Self, Error> {
        let clock = Instant::now();
        let newest = manifest::read_newest(config.store.as_ref()).await?;
        let safe = probe::creates_only_if_absent(config.store.as_ref(), &config.load_id).await?;
        if !safe && !config.single_writer {
            return Err(Error::NoConditionalPut);
        }
        let set_aside = quarantine::shape();
        let shapes = TABLES.iter().map(|t| (Shape::of(t.table), t.table.stream_schema()));
        let shapes = shapes.chain([(set_aside.clone(), set_aside.schema)]);
        Ok(Self {
            place: Place::new(config.store.clone(), Handle::current()),
            intake: Intake::new(shapes, config.rows_in_memory(), config.spill_dir.clone()),
            config,
            clock,
            newest,
            begin: None,
            quarantined: Gathered::default(),
            set_aside: 0,
            reads: Reads::default(),
            state: None,
            end: None,
        })
    }

    /// The newest commit, which this load will follow.
    #[must_use]
    pub fn newest(&self) -> Option<&Manifest> {
        self.newest.as_ref()
    }

    /// Takes one item of the row stream. Blocks while rows are sorted and spilled, so that it wants a thread of its own.
    pub fn push(&mut self, item: RowItem) -> Result<(), Error> {
        let out_of_place = |what: &str| Err(Error::Stream(what.to_owned()));
        match item {
            _ if self.end.is_some() => return out_of_place("something follows its `end`"),
            RowItem::Begin(_) if self.begin.is_some() => return out_of_place("it begins twice"),
            RowItem::Begin(begin) => self.begin(begin)?,
            _ if self.begin.is_none() => return out_of_place("it does not begin with `begin`"),
            RowItem::Batch { table, .. } if table >= TABLES.len() => {
                return out_of_place(&format!("no table has number {table}"));
            }
            RowItem::Batch { table, batch } => self.intake.push(table, &batch)?,
            RowItem::Quarantine(record) => {
                self.set_aside += 1;
                if let Some(batch) = self.quarantined.push(&record)? {
                    self.intake.push(TABLES.len(), &batch)?;
                }
            }
            RowItem::Done(done) => self.reads.push(done),
            RowItem::State(state) => self.state = Some(state),
            RowItem::End(end) => self.end = Some(end),
        }
        Ok(())
    }

    fn begin(&mut self, begin: Begin) -> Result<(), Error> {
        if begin.protocol != PROTOCOL {
            return Err(Error::Protocol { what: "the stream", found: begin.protocol, known: PROTOCOL });
        }
        let instant = |text: &str| {
            let not_one = || Error::Stream(format!("`started_at` is no instant: {text}"));
            time::parse(text).ok_or_else(not_one)
        };
        let started = instant(&begin.started_at)?;
        if let Some(newest) = &self.newest {
            if newest.environment_id != begin.environment_id {
                let lake = newest.environment_id.clone();
                return Err(Error::Environment { lake, stream: begin.environment_id });
            }
            if started < instant(&newest.started_at)? && !self.config.allow_older {
                return Err(Error::Older { lake: newest.started_at.clone(), stream: begin.started_at });
            }
        }
        self.begin = Some((begin, started));
        Ok(())
    }

    /// Merges, writes and commits. After an error, what this load wrote is gone again.
    pub async fn commit(mut self) -> Result<Committed, Error> {
        let end = self.end.take().ok_or_else(|| Error::Incomplete("it has no `end`".to_owned()))?;
        let Some((begin, started)) = self.begin.take() else {
            return Err(Error::Incomplete("it has no `begin`".to_owned()));
        };
        self.check_counts(&end)?;
        let (place, store) = (self.place.clone(), self.config.store.clone());
        let single_writer = self.config.single_writer;
        // Sorting and encoding would keep the runtime from serving the store.
        let merged = tokio::task::spawn_blocking(move || self.merge(begin, started)).await;
        let merged = merged.unwrap_or_else(|e| Err(Error::Died(e.to_string())));
        let settled = place.settle().await;
        // The manifest comes last: every file that it names is there.
        let result = match merged.and_then(|manifest| settled.map(|()| manifest)) {
            Ok(manifest) => commit::publish(&store, &manifest, single_writer).await.map(|()| committed(manifest)),
            Err(error) => Err(error),
        };
        if result.as_ref().is_err_and(|e| !matches!(e, Error::Unsettled { .. })) {
            place.remove_all().await;
        }
        result
    }

    /// A stage that lost rows on the way must not look like one that had none.
    fn check_counts(&self, end: &RowEnd) -> Result<(), Error> {
        // An `end` that counts nothing says nothing.
        for (index, entry) in TABLES.iter().enumerate().filter(|_| !end.rows.is_empty()) {
            let arrived = self.intake.rows(index);
            let (key, counted) = (&entry.key, end.rows.get(&entry.key).copied().unwrap_or(0));
            if counted != arrived {
                return Err(Error::Incomplete(format!("it counts {counted} rows of `{key}`, but {arrived} came")));
            }
        }
        if let Some(key) = end.rows.keys().find(|key| table_index(key).is_none()) {
            return Err(Error::Stream(format!("it counts rows of `{key}`, which no table is called")));
        }
        if end.quarantined > self.set_aside {
            let (counted, arrived) = (end.quarantined, self.set_aside);
            return Err(Error::Incomplete(format!("it counts {counted} records in quarantine, but {arrived} came")));
        }
        Ok(())
    }

    fn merge(mut self, begin: Begin, started: i64) -> Result<Manifest, Error> {
        if let Some(batch) = self.quarantined.take()? {
            self.intake.push(TABLES.len(), &batch)?;
        }
        let Self { config, clock, newest, place, intake, quarantined, reads, state, .. } = self;
        let unavailable = reads.unavailable(begin.resources.as_deref());
        let known = Known::new(reads, quarantined.ids);
        let writing = Writing {
            place,
            snapshot: time::format_snapshot(config.now),
            load_id: config.load_id,
            zstd_level: config.zstd_level,
            file_bytes: config.file_bytes,
            tool: config.tool,
        };
        let merging = Merging {
            writing: &writing,
            known: &known,
            environment: &begin.environment_id,
            started,
            spill_dir: &config.spill_dir.display().to_string(),
        };
        let tables = commit::tables(&merging, intake.finish()?, newest.as_ref(), config.max_shrink, config.threads)?;
        let quarantined = tables.iter().filter(|t| t.kind == manifest::Kind::Quarantine).map(|t| t.rows).sum();
        let seconds = clock.elapsed();
        Ok(Manifest {
            protocol: PROTOCOL,
            number: newest.as_ref().map_or(0, |n| n.number) + 1,
            snapshot: writing.snapshot,
            run_id: begin.run_id,
            load_id: writing.load_id,
            tool: writing.tool,
            environment_id: begin.environment_id,
            started_at: begin.started_at,
            // The clock is the caller's: what was told, and what has passed since.
            committed_at: time::format(config.now + seconds.as_micros() as i64),
            tables,
            unavailable,
            quarantined,
            drift: Drift::default(),
            cursors: state.map(|s| s.cursors).or_else(|| newest.map(|n| n.cursors)).unwrap_or_default(),
            seconds: seconds.as_secs_f64(),
        })
    }
}

fn committed(manifest: Manifest) -> Committed {
    let own = format!("-{}.", manifest.load_id);
    let files = || manifest.tables.iter().flat_map(|t: &Entry| &t.files).filter(|f| f.path.contains(&own));
    let (count, bytes, rows) = (files().count(), files().map(|f| f.bytes).sum(), files().map(|f| f.rows).sum());
    Committed { manifest, files: count, bytes, rows }
}
