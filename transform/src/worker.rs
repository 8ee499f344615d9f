//! One thread's share of the work: lines in, batches out.

use std::sync::{Mutex, PoisonError, RwLock};

use schemas::batch::{BatchBuilder, Owner};
use schemas::catalog::{RESOURCES, Resource, TABLES};
use schemas::credentials;
use schemas::json::{self, MAX_LENGTH};
use schemas::stream::{Begin, Done, ParentIds, Quarantine, RawEnd, RowItem, State};
use schemas::time;
use serde_json::value::RawValue;
use twox_hash::XxHash3_64;

use crate::error::Error;
use crate::line::{self, Line, Member};
use crate::lookup::{Entry, Lookups};
use crate::park::{Park, Parked};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::project::{Page, Record, Refusal, Rows};
use crate::slots::Slots;

/// What all threads know.
pub struct Shared {
    pub plan: Plan,
    pub lookups: RwLock<Lookups>,
    pub park: Mutex<Option<Park>>,
    pub progress: Mutex<Progress>,
    pub begin: Begin,
    /// Microseconds since 1970 UTC.
    pub started_at: i64,
    pub last: Mutex<Last>,
}

/// The last lines that say where the stream begins and ends.
#[derive(Debug, Default)]
pub struct Last {
    pub begin: u64,
    pub end: Option<(u64, RawEnd)>,
}

impl Last {
    /// The `end` that closes the stream: a stream that begins anew must end anew.
    pub fn end(self) -> Option<RawEnd> {
        self.end.filter(|(line, _)| *line > self.begin).map(|(_, end)| end)
    }
}

/// Counts of one thread.
#[derive(Debug, Default)]
pub struct Counts {
    /// By the index in [`TABLES`].
    pub rows: Vec<u64>,
    pub quarantined: u64,
    pub parked: u64,
}

pub struct Worker<'s> {
    shared: &'s Shared,
    emit: &'s (dyn Fn(RowItem) -> bool + Sync),
    line: Line,
    slots: Slots,
    members: Vec<Member>,
    builders: Vec<Option<BatchBuilder>>,
    entries: Vec<Entry>,
    pub counts: Counts,
}

/// What a page says of its records.
struct Head<'a> {
    resource: usize,
    parent: Option<ParentIds>,
    fetched_at: i64,
    line: u64,
    text: &'a str,
}

impl<'s> Worker<'s> {
    pub fn new(shared: &'s Shared, emit: &'s (dyn Fn(RowItem) -> bool + Sync)) -> Self {
        Self {
            shared,
            emit,
            line: Line::default(),
            slots: Slots::default(),
            members: Vec::new(),
            builders: TABLES.iter().map(|_| None).collect(),
            entries: Vec::new(),
            counts: Counts { rows: vec![0; TABLES.len()], ..Counts::default() },
        }
    }

    fn send(&self, item: RowItem) -> Result<(), Error> {
        if (self.emit)(item) { Ok(()) } else { Err(Error::Closed) }
    }

    /// Works on one line, without its line feed.
    pub fn line(&mut self, number: u64, bytes: &[u8]) -> Result<(), Error> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let Some(text) = simdutf8::basic::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_LENGTH) else {
            return self.set_line_aside(number, bytes, "no UTF-8 text of at most 1 GiB");
        };
        let suspicion = match self.line.read(text) {
            Ok(suspicion) => suspicion,
            Err(error) => return self.set_line_aside(number, bytes, &error.to_string()),
        };
        let kind = self.line.kind.map_or("", |kind| kind.of(text));
        if kind != "\"page\"" {
            return self.control(kind, number, text);
        }
        let name = self.line.resource.map_or("", |resource| resource.of(text));
        let resource = RESOURCES.iter().find(|r| name.len() == r.name.len() + 2 && name[1..].starts_with(r.name));
        if suspicion.holds(resource.map_or("", |r| r.object))
            && let Some(clean) = self.scrubbed(text, resource.map_or("", |r| r.object))
        {
            return match self.line.read(&clean) {
                Ok(_) => self.page(number, &clean, resource.copied()),
                Err(error) => self.set_line_aside(number, bytes, &error.to_string()),
            };
        }
        self.page(number, text, resource.copied())
    }

    /// The line without the credentials in its body, if it has any.
    fn scrubbed(&self, text: &str, object: &str) -> Option<String> {
        let body = self.line.body?;
        let clean = credentials::scrub(body.of(text), object).ok().flatten()?;
        Some(format!("{}{clean}{}", &text[..body.start as usize], &text[body.end as usize..]))
    }

    fn control(&mut self, kind: &str, number: u64, text: &str) -> Result<(), Error> {
        let aside = |worker: &mut Self, error: &serde_json::Error| {
            worker.set_line_aside(
                number,
                text.as_bytes(),
                &format!("a `{}` record that cannot be read: {error}", kind.trim_matches('"')),
            )
        };
        match kind {
            "\"begin\"" => match serde_json::from_str::<Begin>(text) {
                // A resumed run goes on under its own `begin`.
                Ok(begin) if begin == self.shared.begin => {
                    let mut last = self.shared.last.lock().unwrap_or_else(PoisonError::into_inner);
                    last.begin = last.begin.max(number);
                    Ok(())
                }
                Ok(begin) => {
                    let first = &self.shared.begin;
                    let name = |b: &Begin| format!("{} of {} at {}", b.run_id, b.environment_id, b.started_at);
                    Err(Error::TwoRuns { first: name(first), second: name(&begin) })
                }
                Err(error) => Err(Error::Begin(error)),
            },
            "\"done\"" => match serde_json::from_str::<Done>(text) {
                Ok(done) => {
                    let done = self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner).done(done);
                    done.map_or(Ok(()), |done| self.close(done))
                }
                Err(error) => aside(self, &error),
            },
            "\"state\"" => match serde_json::from_str::<State>(text) {
                Ok(state) => self.send(RowItem::State(state)),
                Err(error) => aside(self, &error),
            },
            "\"end\"" => match serde_json::from_str::<RawEnd>(text) {
                Ok(end) => {
                    let mut last = self.shared.last.lock().unwrap_or_else(PoisonError::into_inner);
                    if last.end.as_ref().is_none_or(|(line, _)| *line < number) {
                        last.end = Some((number, end));
                    }
                    Ok(())
                }
                Err(error) => aside(self, &error),
            },
            _ if !text.trim_start().starts_with('{') || self.line.kind.is_none() => {
                self.set_line_aside(number, text.as_bytes(), "no record of a raw stream")
            }
            // Records of kinds yet unknown say nothing to this version.
            _ => Ok(()),
        }
    }

    fn page(&mut self, number: u64, text: &str, resource: Option<&'static Resource>) -> Result<(), Error> {
        let Some(resource) = resource else {
            return self.unknown_resource(number, text);
        };
        if !self.line.is_list {
            return self.set_line_aside(number, text.as_bytes(), "a page whose body is no list");
        }
        let of = |span: Option<json::Span>| span.map(|s| s.of(text));
        let fetched_at = of(self.line.fetched_at).and_then(json::text).and_then(|t| time::parse(&t));
        let head = Head {
            resource: resource.index(),
            parent: line::parent(of(self.line.parent)),
            fetched_at: fetched_at.unwrap_or(self.shared.started_at),
            line: number,
            text,
        };
        let line = std::mem::take(&mut self.line);
        let mut result = Ok(());
        {
            // Held for the whole page: a look-up costs no lock of its own.
            let lookups = self.shared.lookups.read().unwrap_or_else(PoisonError::into_inner);
            let mut rows = Rows::default();
            for (index, record) in line.records.iter().enumerate() {
                let members = &line.members[record.first as usize..record.end as usize];
                result = self.record(
                    &head,
                    index as u64,
                    record.span.of(text),
                    Members::OfLine(members),
                    &lookups,
                    &mut rows,
                );
                if result.is_err() {
                    break;
                }
            }
        }
        let place = [line.chain, line.seq].map(|span| XxHash3_64::oneshot(of(span).unwrap_or_default().as_bytes()));
        let (place, records) = (place[0] ^ place[1].rotate_left(1), line.records.len() as u64);
        self.line = line;
        result?;
        if !self.entries.is_empty() {
            let mut lookups = self.shared.lookups.write().unwrap_or_else(PoisonError::into_inner);
            for entry in self.entries.drain(..) {
                lookups.insert(entry);
            }
        }
        let parent = head.parent.as_ref();
        let done = {
            let mut progress = self.shared.progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.page(resource.name, parent, place, records)
        };
        done.map_or(Ok(()), |done| self.close(done))
    }

    /// A list ended, and all that it counts is there.
    fn close(&self, done: Done) -> Result<(), Error> {
        let mut lookups = self.shared.lookups.write().unwrap_or_else(PoisonError::into_inner);
        lookups.close(&done.resource, done.parent.as_ref(), done.status);
        drop(lookups);
        self.send(RowItem::Done(done))
    }

    /// One record: its rows, or its place in quarantine or among those that wait.
    fn record<'a>(
        &mut self,
        head: &'a Head<'a>,
        index: u64,
        text: &'a str,
        members: Members<'_>,
        lookups: &'a Lookups,
        rows: &mut Rows<'a>,
    ) -> Result<(), Error>
    where
        's: 'a,
    {
        let shared = self.shared;
        let plan = &shared.plan.records[head.resource];
        if !text.starts_with('{') {
            return self.set_aside(head, index, None, "expected an object".to_owned(), text);
        }
        // Spans of a line's members count from the line's start.
        let (base, members) = match members {
            Members::OfLine(members) => (head.text, members),
            Members::OfRecord(members) => (text, members),
        };
        let mut slots = std::mem::take(&mut self.slots);
        let filled = slots.fill(base, members, plan);
        let page = Page { parent: head.parent.as_ref(), fetched_at: head.fetched_at };
        let record = Record::new(base, text, plan, page, lookups, &slots);
        rows.clear();
        let outcome = match filled {
            Ok(()) => record.project(rows),
            Err(error) => Err(Refusal::Misfit(crate::value::Misfit::new("record", "JSON", Some(&error.to_string())))),
        };
        let result = match outcome {
            Ok(()) => {
                if !plan.feeds.is_empty()
                    && let Ok(entries) = record.entries()
                {
                    self.entries.extend(entries);
                }
                self.push(rows)
            }
            Err(Refusal::Wait) => self.park(head, index, text),
            Err(Refusal::Misfit(misfit)) => {
                if !plan.feeds.is_empty()
                    && let Ok(entries) = record.entries()
                {
                    self.entries.extend(entries);
                }
                let id = record.id().ok().map(std::borrow::Cow::into_owned);
                self.set_aside(head, index, id, misfit.reason(), text)
            }
        };
        self.slots = slots;
        result
    }

    fn push(&mut self, rows: &Rows<'_>) -> Result<(), Error> {
        for (row, cells) in rows.iter() {
            let fail = |source| Error::Batch { table: TABLES[row.table].key.clone(), source };
            let builder = self.builders[row.table].get_or_insert_with(|| BatchBuilder::new(TABLES[row.table].table));
            let owner = row.owner.as_ref().map(|o| Owner { table: o.label, id: &o.id, version: o.version });
            builder.push(cells, row.version, owner).map_err(fail)?;
            self.counts.rows[row.table] += 1;
            if builder.is_full()
                && let Some(batch) = builder.finish().map_err(fail)?
            {
                self.send(RowItem::Batch { table: row.table, batch })?;
            }
        }
        Ok(())
    }

    fn park(&mut self, head: &Head<'_>, index: u64, text: &str) -> Result<(), Error> {
        self.counts.parked += 1;
        let mut park = self.shared.park.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(park) = park.as_mut() else { return Ok(()) };
        park.push(Parked {
            resource: head.resource,
            parent: head.parent.clone(),
            line: head.line,
            index,
            fetched_at: head.fetched_at,
            record: text.to_owned(),
        })
        .map_err(Error::Spill)
    }

    /// Works on a record that waited.
    pub fn parked(&mut self, parked: &Parked) -> Result<(), Error> {
        let mut members = std::mem::take(&mut self.members);
        // It was read once already.
        let _ = line::members(&parked.record, &mut members);
        let head = Head {
            resource: parked.resource,
            parent: parked.parent.clone(),
            fetched_at: parked.fetched_at,
            line: parked.line,
            text: "",
        };
        let lookups = self.shared.lookups.read().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Rows::default();
        let result = self.record(&head, parked.index, &parked.record, Members::OfRecord(&members), &lookups, &mut rows);
        drop(lookups);
        self.members = members;
        result
    }

    fn unknown_resource(&mut self, number: u64, text: &str) -> Result<(), Error> {
        let name = self.line.resource.and_then(|r| json::text(r.of(text))).map(std::borrow::Cow::into_owned);
        if !self.line.is_list || name.is_none() {
            return self.set_line_aside(number, text.as_bytes(), "a page of no resource, or whose body is no list");
        }
        let line = std::mem::take(&mut self.line);
        for (index, record) in line.records.iter().enumerate() {
            let text = record.span.of(text);
            self.quarantine(Quarantine {
                resource: name.clone(),
                line: number,
                index: Some(index as u64),
                id: json::member(text, "id").and_then(json::text).map(std::borrow::Cow::into_owned),
                reason: "the catalog has no such resource".to_owned(),
                record: RawValue::from_string(text.to_owned()).ok(),
            })?;
        }
        self.line = line;
        Ok(())
    }

    fn set_aside(
        &mut self,
        head: &Head<'_>,
        index: u64,
        id: Option<String>,
        reason: String,
        text: &str,
    ) -> Result<(), Error> {
        self.quarantine(Quarantine {
            resource: Some(RESOURCES[head.resource].name.to_owned()),
            line: head.line,
            index: Some(index),
            id,
            reason,
            record: RawValue::from_string(text.to_owned()).ok(),
        })
    }

    /// A line that is no record of the stream: its content may hold a credential, so it is told by length and hash.
    fn set_line_aside(&mut self, number: u64, bytes: &[u8], reason: &str) -> Result<(), Error> {
        let reason = format!("{reason}; {} bytes, XXH3-64 {:016x}", bytes.len(), XxHash3_64::oneshot(bytes));
        self.quarantine(Quarantine { resource: None, line: number, index: None, id: None, reason, record: None })
    }

    fn quarantine(&mut self, quarantine: Quarantine) -> Result<(), Error> {
        self.counts.quarantined += 1;
        self.send(RowItem::Quarantine(quarantine))
    }

    /// Hands over what is gathered.
    pub fn flush(&mut self) -> Result<(), Error> {
        for table in 0..self.builders.len() {
            let batch = self.builders[table].as_mut().map(BatchBuilder::finish).transpose();
            let batch = batch.map_err(|source| Error::Batch { table: TABLES[table].key.clone(), source })?.flatten();
            if let Some(batch) = batch {
                self.send(RowItem::Batch { table, batch })?;
            }
        }
        Ok(())
    }
}

/// Where a record's members count from.
#[derive(Clone, Copy)]
enum Members<'a> {
    OfLine(&'a [Member]),
    OfRecord(&'a [Member]),
}
