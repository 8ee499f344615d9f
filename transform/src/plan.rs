//! The catalog, compiled: which members of a record go where.

use schemas::catalog::{EdgeRule, Embedded, Feed, Lookup, RESOURCES, Resource, TABLES, table_index};
use schemas::table::{Column, ColumnType, Derive, Source, Table, When};

/// Where a path's value is kept while a record is worked on.
pub type Slot = usize;

/// The members of an object that are of interest, with the slots that take them.
#[derive(Debug, Default)]
pub struct Capture {
    /// Tells captures of one record apart.
    pub number: usize,
    pub members: Vec<Captured>,
}

impl Capture {
    /// Numbers this capture and those within it.
    fn count(&mut self, next: &mut usize) {
        self.number = *next;
        *next += 1;
        for member in &mut self.members {
            member.inner.count(next);
        }
    }
}

#[derive(Debug)]
pub struct Captured {
    pub name: &'static str,
    pub slot: Slot,
    pub inner: Capture,
    pub taken: Taken,
}

/// How much of a top-level member the columns take; what they do not take goes to `extra`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Nothing.
    No,
    /// All of it.
    Whole,
    /// Some members of the object, or one member of each object in the list.
    Part(Option<&'static str>),
}

/// A compiled [`Source`].
#[derive(Debug)]
pub enum From {
    Slot(Slot),
    SlotWhen(Slot, Condition),
    Each(Slot, &'static str),
    Parent(&'static str, Option<Condition>),
    ParentUnless(&'static str, Condition),
    Lookup { lookup: usize, key: Box<From>, scope: Option<Box<From>> },
    Derived(Vec<Slot>, Derive),
    FirstOf(Vec<From>),
    AllOf(Vec<From>),
}

#[derive(Debug)]
pub struct Condition {
    pub slot: Slot,
    pub equals: &'static str,
}

#[derive(Debug)]
pub struct ColumnPlan {
    pub name: &'static str,
    pub kind: ColumnType,
    pub from: From,
}

#[derive(Debug)]
pub struct EdgePlan {
    pub table: usize,
    pub source: From,
    pub target: From,
    pub when: Option<Condition>,
    /// False for edges that say something of the request's parent, not of the record.
    pub owned: bool,
    /// Columns of its own, for a keyed table.
    pub columns: Vec<ColumnPlan>,
}

#[derive(Debug)]
pub struct FeedPlan {
    pub lookup: usize,
    pub key: From,
    pub value: From,
    pub scope: Option<From>,
    pub unless: Option<From>,
}

#[derive(Debug)]
pub struct EmbeddedPlan {
    pub slot: Slot,
    pub member: &'static str,
    pub record: RecordPlan,
}

/// What a record becomes.
#[derive(Debug)]
pub struct RecordPlan {
    pub capture: Capture,
    /// How many captures there are within, itself included.
    pub captures: usize,
    pub paths: Vec<String>,
    /// The slot of the object around each path.
    pub outer: Vec<Option<Slot>>,
    pub id: Slot,
    pub updated_at: Slot,
    pub table: Option<usize>,
    pub label: &'static str,
    pub is_fact: bool,
    pub columns: Vec<ColumnPlan>,
    pub edges: Vec<EdgePlan>,
    pub embedded: Vec<EmbeddedPlan>,
    pub feeds: Vec<FeedPlan>,
}

/// The whole catalog.
#[derive(Debug)]
pub struct Plan {
    /// By the index in [`RESOURCES`].
    pub records: Vec<RecordPlan>,
    pub lookups: Vec<&'static Lookup>,
}

impl Plan {
    pub fn new() -> Self {
        let mut lookups: Vec<&'static Lookup> = Vec::new();
        for lookup in RESOURCES.iter().flat_map(|r| r.lookups()) {
            if !lookups.iter().any(|l| std::ptr::eq(*l, lookup)) {
                lookups.push(lookup);
            }
        }
        let records = RESOURCES.iter().map(|r| RecordPlan::of_resource(r, &lookups)).collect();
        Self { records, lookups }
    }
}

/// Slots handed out so far, with the paths they stand for.
#[derive(Default)]
struct Slots {
    capture: Capture,
    paths: Vec<String>,
}

impl Slots {
    fn slot(&mut self, path: &[&'static str], taken: Taken) -> Slot {
        let mut capture = &mut self.capture;
        let mut slot = 0;
        for (depth, name) in path.iter().copied().enumerate() {
            let at = capture.members.iter().position(|m| m.name == name).unwrap_or_else(|| {
                self.paths.push(path[..=depth].join("."));
                let slot = self.paths.len() - 1;
                capture.members.push(Captured { name, slot, inner: Capture::default(), taken: Taken::No });
                capture.members.len() - 1
            });
            let member = &mut capture.members[at];
            slot = member.slot;
            if depth == 0 {
                let now = if path.len() > 1 && taken == Taken::Whole { Taken::Part(None) } else { taken };
                // A column that takes all of it outweighs one that takes a part.
                if member.taken != Taken::Whole && now != Taken::No {
                    member.taken = now;
                }
            }
            capture = &mut member.inner;
        }
        slot
    }

    fn condition(&mut self, when: &When) -> Condition {
        Condition { slot: self.slot(when.path, Taken::No), equals: when.equals }
    }

    /// Compiles a source; `own` is the name of the column it fills, and only a column takes members out of `extra`.
    fn source(&mut self, source: &Source, own: &'static str, lookups: &[&'static Lookup]) -> From {
        let taken = if own.is_empty() { Taken::No } else { Taken::Whole };
        match *source {
            Source::Own => From::Slot(self.slot(&[own], taken)),
            Source::Path(path) => From::Slot(self.slot(path, taken)),
            Source::PathWhen(path, when) => From::SlotWhen(self.slot(path, taken), self.condition(&when)),
            Source::Each(path, member) => {
                let part = if own.is_empty() { Taken::No } else { Taken::Part(Some(member)) };
                From::Each(self.slot(path, part), member)
            }
            Source::Parent(key, when) => From::Parent(key, when.map(|w| self.condition(&w))),
            Source::ParentUnless(key, when) => From::ParentUnless(key, self.condition(&when)),
            Source::Lookup { lookup, key, scope } => From::Lookup {
                lookup: lookups.iter().position(|l| std::ptr::eq(*l, lookup)).unwrap_or(usize::MAX),
                key: Box::new(self.source(key, "", lookups)),
                scope: scope.map(|s| Box::new(self.source(s, "", lookups))),
            },
            Source::Derived(paths, derive) => {
                From::Derived(paths.iter().map(|p| self.slot(p, Taken::No)).collect(), derive)
            }
            Source::FirstOf(all) => From::FirstOf(all.iter().map(|s| self.source(s, own, lookups)).collect()),
            Source::AllOf(all) => From::AllOf(all.iter().map(|s| self.source(s, own, lookups)).collect()),
        }
    }

    fn columns(&mut self, columns: &'static [Column], lookups: &[&'static Lookup]) -> Vec<ColumnPlan> {
        let mut plans = Vec::new();
        for column in columns {
            if let Source::Parent(..) = column.source {
                // A record that names its parent itself says nothing new.
                self.slot(&[column.name], Taken::Whole);
            }
            let from = self.source(&column.source, column.name, lookups);
            plans.push(ColumnPlan { name: column.name, kind: column.kind, from });
        }
        plans
    }
}

impl RecordPlan {
    fn of_resource(resource: &'static Resource, lookups: &[&'static Lookup]) -> Self {
        let feeds = lookups.iter().enumerate().flat_map(|(i, l)| l.feeds.iter().map(move |f| (i, f)));
        let feeds = feeds.filter(|(_, f)| f.resource.name == resource.name).collect();
        let record = &resource.record;
        Self::new(record.table, record.edges, record.embedded, feeds, lookups)
    }

    fn new(
        table: Option<Table>,
        edges: &'static [EdgeRule],
        embedded: &'static [Embedded],
        feeds: Vec<(usize, &'static Feed)>,
        lookups: &[&'static Lookup],
    ) -> Self {
        let mut slots = Slots::default();
        let columns = table.map_or(Vec::new(), |t| slots.columns(t.columns(), lookups));
        let id = slots.slot(&["id"], Taken::Whole);
        let updated_at = slots.slot(&["updated_at"], Taken::No);
        slots.slot(&["object"], Taken::Whole);
        if let Some(Table::Node(node)) = table {
            for member in node.left_out {
                slots.slot(&[member], Taken::Whole);
            }
        }
        let edges = edges.iter().map(|rule| Self::edge(&mut slots, rule, lookups)).collect();
        let embedded = embedded.iter().map(|e| EmbeddedPlan {
            slot: slots.slot(&[e.member], Taken::Whole),
            member: e.member,
            record: Self::new(Some(Table::Node(e.table)), e.edges, &[], Vec::new(), lookups),
        });
        let embedded = embedded.collect();
        let feeds = feeds.into_iter().map(|(lookup, feed)| FeedPlan {
            lookup,
            key: slots.source(&feed.key, "", lookups),
            value: slots.source(&feed.value, "", lookups),
            scope: feed.scope.as_ref().map(|s| slots.source(s, "", lookups)),
            unless: feed.unless.as_ref().map(|s| slots.source(s, "", lookups)),
        });
        let feeds = feeds.collect();
        let mut captures = 0;
        slots.capture.count(&mut captures);
        Self {
            capture: slots.capture,
            captures,
            outer: slots.paths.iter().map(|p| outer(p, &slots.paths)).collect(),
            paths: slots.paths,
            id,
            updated_at,
            table: table.and_then(|t| table_index(&t.key())),
            label: match table {
                Some(Table::Node(node)) => node.label,
                _ => "",
            },
            is_fact: matches!(table, Some(Table::Fact(_))),
            columns,
            edges,
            embedded,
            feeds,
        }
    }

    fn edge(slots: &mut Slots, rule: &'static EdgeRule, lookups: &[&'static Lookup]) -> EdgePlan {
        let from_parent = |s: &Source| matches!(s, Source::Parent(..));
        let table = Table::Edge(rule.table);
        EdgePlan {
            table: TABLES.iter().position(|t| t.key == table.key()).unwrap_or(usize::MAX),
            source: slots.source(&rule.source, "", lookups),
            target: slots.source(&rule.target, "", lookups),
            when: rule.when.as_ref().map(|w| slots.condition(w)),
            owned: !from_parent(&rule.source) && !from_parent(&rule.target),
            columns: slots.columns(rule.table.columns, lookups),
        }
    }
}

fn outer(path: &str, paths: &[String]) -> Option<Slot> {
    let (outer, _) = path.rsplit_once('.')?;
    paths.iter().position(|p| p == outer)
}
