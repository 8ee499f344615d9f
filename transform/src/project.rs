//! From one record to rows and edges, by the compiled catalog.

use std::borrow::Cow;

use schemas::batch::{Cell, Version};
use schemas::json;
use schemas::stream::ParentIds;
use schemas::table::ColumnType;
use twox_hash::XxHash3_64;

use crate::lookup::{Answer, Entry, Found, Lookups};
use crate::plan::{ColumnPlan, Condition, EdgePlan, From, RecordPlan, Slot};
use crate::slots::Slots;
use crate::value::{self, Misfit};

/// Why a record yields no rows now.
#[derive(Debug)]
pub enum Refusal {
    /// A value does not fit its column.
    Misfit(Misfit),
    /// A list behind a look-up is still being read.
    Wait,
}

impl std::convert::From<Misfit> for Refusal {
    fn from(misfit: Misfit) -> Self {
        Self::Misfit(misfit)
    }
}

/// The rows that a record yields, with their cells in one vector.
#[derive(Debug, Default)]
pub struct Rows<'a> {
    cells: Vec<Cell<'a>>,
    rows: Vec<Row<'a>>,
}

/// A row, with the state of the object it was read from.
#[derive(Debug)]
pub struct Row<'a> {
    pub table: usize,
    pub version: Option<Version>,
    pub owner: Option<Owned<'a>>,
    end: usize,
}

impl<'a> Rows<'a> {
    /// Ends the row whose cells were pushed last.
    fn end(&mut self, table: usize, version: Option<Version>, owner: Option<Owned<'a>>) {
        self.rows.push(Row { table, version, owner, end: self.cells.len() });
    }

    fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
        self.cells.truncate(self.rows.last().map_or(0, |row| row.end));
    }

    /// Each row with its cells.
    pub fn iter(&self) -> impl Iterator<Item = (&Row<'a>, &[Cell<'a>])> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let cells = &self.cells[start..row.end];
            start = row.end;
            (row, cells)
        })
    }

    /// Forgets all rows, but not the room they took.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.rows.clear();
    }
}

/// The object that owns a row.
#[derive(Debug, Clone)]
pub struct Owned<'a> {
    pub label: &'static str,
    pub id: Cow<'a, str>,
    pub version: Version,
}

/// What the page says of all its records.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    pub parent: Option<&'a ParentIds>,
    /// Microseconds since 1970 UTC: the version of objects without `updated_at`.
    pub fetched_at: i64,
}

/// A record while it is worked on.
pub struct Record<'a, 's> {
    /// What the spans in `slots` count from.
    base: &'a str,
    /// The record itself.
    text: &'a str,
    plan: &'a RecordPlan,
    page: Page<'a>,
    lookups: &'a Lookups,
    slots: &'s Slots,
}

impl<'a, 's> Record<'a, 's> {
    pub fn new(
        base: &'a str,
        text: &'a str,
        plan: &'a RecordPlan,
        page: Page<'a>,
        lookups: &'a Lookups,
        slots: &'s Slots,
    ) -> Self {
        Self { base, text, plan, page, lookups, slots }
    }

    #[inline]
    fn value(&self, slot: Slot) -> Option<&'a str> {
        let value = self.slots.values[slot]?.of(self.base);
        (!value::is_null(value)).then_some(value)
    }

    /// The text in a slot if it needs no decoding, which is nearly always.
    #[inline]
    fn plain(&self, slot: Slot) -> Option<&'a str> {
        let span = self.slots.values[slot]?;
        if span.escaped { None } else { json::plain(span.of(self.base)) }
    }

    fn path(&self, slot: Slot) -> &'a str {
        &self.plan.paths[slot]
    }

    fn text(&self, slot: Slot) -> Result<Option<Cow<'a, str>>, Misfit> {
        if let Some(text) = self.plain(slot) {
            return Ok(Some(Cow::Borrowed(text)));
        }
        match self.value(slot) {
            Some(value) => value::text(value, self.path(slot)),
            None => {
                // Where an object should be, nothing within it can be found: that must not pass for null.
                self.check_outer(slot)?;
                Ok(None)
            }
        }
    }

    /// Refuses a value that stands where an object with members of interest should be.
    fn check_outer(&self, slot: Slot) -> Result<(), Misfit> {
        let Some(outer) = self.plan.outer[slot] else { return Ok(()) };
        match self.value(outer) {
            Some(value) if !value.starts_with('{') && !self.plan.is_fact => {
                Err(Misfit::new(self.path(outer), "object", Some(value)))
            }
            Some(_) => Ok(()),
            None => self.check_outer(outer),
        }
    }

    fn holds(&self, when: &Condition) -> Result<bool, Misfit> {
        Ok(self.text(when.slot)?.is_some_and(|text| text == when.equals))
    }

    fn holds_all(&self, when: Option<&Condition>) -> Result<bool, Misfit> {
        when.map_or(Ok(true), |when| self.holds(when))
    }

    /// Gives `take` every text of a source.
    fn each_text(&self, from: &'a From, take: &mut dyn FnMut(Cow<'a, str>)) -> Result<(), Refusal> {
        match from {
            From::Each(slot, member) => {
                if let Some(list) = self.value(*slot) {
                    value::each(list, member, self.path(*slot), |text| {
                        if let Some(text) = text {
                            take(text);
                        }
                    })?;
                }
            }
            From::Lookup { lookup, key, scope } => {
                let scope = scope.as_deref().map(|s| self.one(s)).transpose()?.flatten();
                let mut answers = Ok(());
                self.each_text(key, &mut |key| match self.lookups.get(*lookup, &key, scope.as_deref()) {
                    Answer::Wait => answers = Err(Refusal::Wait),
                    Answer::Values(values) => values.for_each(|value| take(Cow::Borrowed(value))),
                })?;
                answers?;
            }
            From::AllOf(all) => {
                let mut found: Vec<Cow<'a, str>> = Vec::new();
                for from in all {
                    self.each_text(from, &mut |text| {
                        if !found.contains(&text) {
                            found.push(text);
                        }
                    })?;
                }
                found.into_iter().for_each(take);
            }
            from => {
                if let Some(text) = self.one(from)? {
                    take(text);
                }
            }
        }
        Ok(())
    }

    /// The first text of a source.
    fn one(&self, from: &'a From) -> Result<Option<Cow<'a, str>>, Refusal> {
        Ok(match from {
            From::Slot(slot) => self.text(*slot)?,
            From::SlotWhen(slot, when) if self.holds(when)? => self.text(*slot)?,
            From::Parent(key, when) if self.holds_all(when.as_ref())? => {
                self.page.parent.and_then(|ids| ids.get(*key)).map(|id| Cow::Borrowed(id.as_str()))
            }
            From::ParentUnless(key, when) if !self.holds(when)? => {
                self.page.parent.and_then(|ids| ids.get(*key)).map(|id| Cow::Borrowed(id.as_str()))
            }
            From::SlotWhen(..) | From::Parent(..) | From::ParentUnless(..) => None,
            From::Derived(slots, derive) => {
                let texts = slots.iter().map(|slot| self.text(*slot)).collect::<Result<Vec<_>, _>>()?;
                let borrowed: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
                derive(&borrowed).map(|text| Cow::Owned(text.to_owned()))
            }
            From::FirstOf(all) => {
                for from in all {
                    if let Some(text) = self.one(from)? {
                        return Ok(Some(text));
                    }
                }
                None
            }
            From::Each(..) | From::Lookup { .. } | From::AllOf(_) => {
                let mut first = None;
                self.each_text(from, &mut |text| {
                    first.get_or_insert(text);
                })?;
                first
            }
        })
    }

    fn cell(&self, column: &'a ColumnPlan) -> Result<Cell<'a>, Refusal> {
        match &column.from {
            From::Slot(slot) if column.kind == ColumnType::Text => Ok(self.text(*slot)?.map_or(Cell::Null, Cell::Text)),
            From::Slot(slot) => match self.value(*slot) {
                Some(value) => Ok(value::cell(column.kind, value, self.path(*slot))?),
                None => {
                    self.check_outer(*slot)?;
                    Ok(Cell::Null)
                }
            },
            From::Each(slot, member) => match self.value(*slot) {
                Some(list) => {
                    let mut texts = Vec::new();
                    value::each(list, member, self.path(*slot), |text| texts.push(text))?;
                    Ok(Cell::List(texts))
                }
                None => Ok(Cell::Null),
            },
            from if column.kind == ColumnType::Text => Ok(self.one(from)?.map_or(Cell::Null, Cell::Text)),
            from => {
                let mut texts = Vec::new();
                self.each_text(from, &mut |text| texts.push(Some(text)))?;
                Ok(if texts.is_empty() { Cell::Null } else { Cell::List(texts) })
            }
        }
    }

    /// The record's id, if it can be read.
    pub fn id(&self) -> Result<Cow<'a, str>, Misfit> {
        self.text(self.plan.id)?.ok_or_else(|| Misfit::new("id", "text", None))
    }

    fn version(&self) -> Result<Version, Misfit> {
        let at = match self.value(self.plan.updated_at) {
            None => self.page.fetched_at,
            Some(value) => match value::cell(ColumnType::Time, value, "updated_at")? {
                Cell::Time(at) => at,
                _ => self.page.fetched_at,
            },
        };
        Ok(Version { at, tie: XxHash3_64::oneshot(self.text.as_bytes()) })
    }

    /// Everything that the record becomes, or nothing: `rows` gets none if it is refused.
    pub fn project(&self, rows: &mut Rows<'a>) -> Result<(), Refusal> {
        let before = rows.rows.len();
        let done = self.project_all(None, rows);
        if done.is_err() {
            rows.truncate(before);
        }
        done
    }

    fn project_all(&self, owner: Option<&Owned<'a>>, rows: &mut Rows<'a>) -> Result<(), Refusal> {
        let id = self.id()?;
        let version = self.version()?;
        if let Some(table) = self.plan.table {
            rows.cells.push(Cell::Text(id.clone()));
            for column in &self.plan.columns {
                let cell = self.cell(column)?;
                if cell == Cell::Null && self.plan.is_fact && column.name == "created_at" {
                    return Err(Misfit::new("created_at", "time", None).into());
                }
                rows.cells.push(cell);
            }
            rows.cells.push(self.extra());
            // A fact does not change, so it has no version; the tie alone tells two answers apart.
            let version = if self.plan.is_fact { Version { at: 0, ..version } } else { version };
            rows.end(table, Some(version), owner.cloned());
        }
        // An embedded row owns its edges itself: it may stand in two objects that are both alive.
        let this = Owned { label: self.plan.label, id, version };
        let owner = owner.unwrap_or(&this);
        for edge in &self.plan.edges {
            self.edge(edge, &this, rows)?;
        }
        for embedded in &self.plan.embedded {
            let Some(list) = self.value(embedded.slot) else { continue };
            if !list.starts_with('[') {
                return Err(Misfit::new(embedded.member, "list of objects", Some(list)).into());
            }
            let mut slots = Slots::default();
            let mut members = Vec::new();
            for text in json::elements(list) {
                let inside =
                    |misfit: Misfit| Misfit { path: format!("{}[].{}", embedded.member, misfit.path), ..misfit };
                let read = crate::line::members(text, &mut members);
                if read.and_then(|()| slots.fill(text, &members, &embedded.record)).is_err() {
                    return Err(Misfit::new(embedded.member, "list of objects", Some(text)).into());
                }
                let element = Record { base: text, text, plan: &embedded.record, slots: &slots, ..*self };
                element.project_all(Some(owner), rows).map_err(|refusal| match refusal {
                    Refusal::Misfit(misfit) => Refusal::Misfit(inside(misfit)),
                    Refusal::Wait => Refusal::Wait,
                })?;
            }
        }
        Ok(())
    }

    fn edge(&self, edge: &'a EdgePlan, this: &Owned<'a>, rows: &mut Rows<'a>) -> Result<(), Refusal> {
        if !self.holds_all(edge.when.as_ref())? {
            return Ok(());
        }
        let mut failed = Ok(());
        self.each_text(&edge.source, &mut |source| {
            let outcome = self.each_text(&edge.target, &mut |target| {
                rows.cells.push(Cell::Text(source.clone()));
                rows.cells.push(Cell::Text(target));
                if edge.columns.is_empty() {
                    rows.end(edge.table, None, edge.owned.then(|| this.clone()));
                    return;
                }
                rows.cells.push(Cell::Text(this.id.clone()));
                for column in &edge.columns {
                    match self.cell(column) {
                        Ok(cell) => rows.cells.push(cell),
                        Err(refusal) => failed = Err(refusal),
                    }
                }
                rows.end(edge.table, Some(this.version), edge.owned.then(|| this.clone()));
            });
            if outcome.is_err() {
                failed = outcome;
            }
        })?;
        failed
    }

    /// The members that no column takes, as they were received.
    fn extra(&self) -> Cell<'a> {
        if self.slots.extra.is_empty() {
            return Cell::Null;
        }
        let mut extra = String::from("{");
        for member in &self.slots.extra {
            if extra.len() > 1 {
                extra.push(',');
            }
            extra.push_str(member.key.of(self.base));
            extra.push(':');
            extra.push_str(member.value.of(self.base));
        }
        extra.push('}');
        Cell::Text(Cow::Owned(extra))
    }

    /// What the record adds to look-ups.
    pub fn entries(&self) -> Result<Vec<Entry>, Refusal> {
        let mut entries = Vec::new();
        for feed in &self.plan.feeds {
            let text = |from| self.one(from).map(|text| text.map(Cow::into_owned));
            let hidden = feed.unless.as_ref().map(text).transpose()?.flatten().is_some();
            let key = text(&feed.key)?.filter(|_| !hidden);
            let found = match (key, text(&feed.value)?) {
                (Some(key), Some(value)) => {
                    Some(Found { scope: feed.scope.as_ref().map(text).transpose()?.flatten(), key, value })
                }
                _ => None,
            };
            entries.push(Entry {
                lookup: feed.lookup,
                record: self.id()?.into_owned(),
                version: self.version()?,
                found,
            });
        }
        Ok(entries)
    }
}
