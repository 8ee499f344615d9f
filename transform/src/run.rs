//! The route: lines → pages → rows, on as many threads as are given.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use bytes::Bytes;
use schemas::catalog::TABLES;
use schemas::stream::{Begin, PROTOCOL, RawEnd, RowEnd, RowItem, Status};
use schemas::time;

use crate::error::Error;
use crate::lookup::Lookups;
use crate::park::Park;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::worker::{Counts, Last, Shared, Worker};

/// Whole lines of the raw stream, in one piece.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The number of its first line, from 1.
    pub first_line: u64,
    /// The lines; the last one may lack its line feed.
    pub bytes: Bytes,
}

impl Chunk {
    /// Its lines, without their line feeds.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = (!self.bytes.is_empty()).then_some(&self.bytes[..]);
        std::iter::from_fn(move || {
            let bytes = rest?;
            let Some(end) = memchr::memchr(b'\n', bytes) else { return rest.take() };
            rest = (end + 1 < bytes.len()).then(|| &bytes[end + 1..]);
            Some(&bytes[..end])
        })
    }
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// The stream's first line.
    pub begin: Option<Begin>,
    /// The stream's last line; `None` if it is incomplete.
    pub end: Option<RawEnd>,
    /// Rows by table key.
    pub rows: BTreeMap<String, u64>,
    /// Records and lines in quarantine.
    pub quarantined: u64,
    /// Records that waited for a look-up.
    pub parked: u64,
}

/// Transforms a raw stream: `chunks` are worked on by `threads` threads, `emit` gets what comes of it and says whether
/// there is still somebody to take it. `End` is emitted only if the stream has its `end` line.
///
/// # Errors
/// See [`Error`]. Lines and records that do not fit are no errors: they go to quarantine.
pub fn run(
    mut chunks: impl Iterator<Item = io::Result<Chunk>> + Send,
    threads: usize,
    park: Park,
    emit: &(dyn Fn(RowItem) -> bool + Sync),
) -> Result<Summary, Error> {
    let first = chunks.next().transpose().map_err(Error::Input)?;
    let Some(first) = first else { return Err(Error::NoBegin) };
    let begin = begin(&first)?;
    let plan = Plan::new();
    let mut lookups = Lookups::new(&plan.lookups);
    lookups.begin(&begin);
    let shared = Shared {
        plan,
        lookups: RwLock::new(lookups),
        park: Mutex::new(Some(park)),
        progress: Mutex::new(Progress::default()),
        begin: begin.clone(),
        started_at: time::parse(&begin.started_at).ok_or_else(|| Error::StartedAt(begin.started_at.clone()))?,
        last: Mutex::new(Last::default()),
    };
    if !emit(RowItem::Begin(begin.clone())) {
        return Err(Error::Closed);
    }
    let input = Mutex::new(std::iter::once(Ok(first)).chain(chunks));
    let stop = AtomicBool::new(false);
    let next = || input.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<Counts, Error> {
        let mut worker = Worker::new(&shared, emit);
        while !stop.load(Ordering::Relaxed)
            && let Some(chunk) = next()
        {
            let chunk = chunk.map_err(Error::Input)?;
            for (line, number) in chunk.lines().zip(chunk.first_line..) {
                worker.line(number, line)?;
            }
        }
        worker.flush()?;
        Ok(worker.counts)
    };
    let work = || work().inspect_err(|_| stop.store(true, Ordering::Relaxed));
    let mut counts = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut counts = vec![work()];
        counts.extend(
            others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        );
        counts.into_iter().collect::<Result<Vec<_>, _>>()
    })?;

    let end = std::mem::take(&mut *shared.last.lock().unwrap_or_else(PoisonError::into_inner)).end();
    if end.is_some() {
        counts.push(last(&shared, emit)?);
    }
    finish(begin, end, &counts, emit)
}

/// Reads the stream's first line.
fn begin(first: &Chunk) -> Result<Begin, Error> {
    let line = first.lines().find(|line| !line.iter().all(u8::is_ascii_whitespace));
    let line = line.ok_or(Error::NoBegin)?;
    let kind = std::str::from_utf8(line).ok().and_then(|line| schemas::json::member(line, "kind"));
    if kind != Some("\"begin\"") {
        return Err(Error::NoBegin);
    }
    let begin: Begin = serde_json::from_slice(line).map_err(Error::Begin)?;
    if begin.protocol != PROTOCOL {
        return Err(Error::Protocol(begin.protocol));
    }
    Ok(begin)
}

/// Now that every list was read, works on the records that waited.
fn last(shared: &Shared, emit: &(dyn Fn(RowItem) -> bool + Sync)) -> Result<Counts, Error> {
    let incomplete = shared.progress.lock().unwrap_or_else(PoisonError::into_inner).finish();
    {
        let mut lookups = shared.lookups.write().unwrap_or_else(PoisonError::into_inner);
        for (done, counted) in &incomplete {
            // A stream from elsewhere may have pages and no `done`: its entries are what there is.
            let status = if *counted { done.status } else { Status::Complete };
            lookups.close(&done.resource, done.parent.as_ref(), status);
        }
        lookups.close_all();
    }
    let mut worker = Worker::new(shared, emit);
    let park = shared.park.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(park) = park {
        park.drain(|parked| worker.parked(&parked), Error::Spill)?;
    }
    worker.flush()?;
    for (done, _) in incomplete {
        if !emit(RowItem::Done(done)) {
            return Err(Error::Closed);
        }
    }
    Ok(worker.counts)
}

fn finish(
    begin: Begin,
    end: Option<RawEnd>,
    counts: &[Counts],
    emit: &(dyn Fn(RowItem) -> bool + Sync),
) -> Result<Summary, Error> {
    let mut summary = Summary { begin: Some(begin), end, ..Summary::default() };
    for count in counts {
        for (entry, rows) in TABLES.iter().zip(&count.rows).filter(|(_, rows)| **rows > 0) {
            *summary.rows.entry(entry.key.clone()).or_default() += rows;
        }
        summary.quarantined += count.quarantined;
        summary.parked += count.parked;
    }
    if summary.end.is_some() {
        let end = RowEnd { rows: summary.rows.clone(), quarantined: summary.quarantined };
        if !emit(RowItem::End(end)) {
            return Err(Error::Closed);
        }
    }
    Ok(summary)
}
