//! The small maps by which records of one list find ids in another, and whether the lists behind them were read.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use schemas::batch::Version;
use schemas::catalog::{Lookup, RESOURCES, Resource};
use schemas::stream::{Begin, ParentIds, Status};

type Texts<V> = HashMap<Box<str>, V, RandomState>;

/// One record of a list behind a look-up, as an entry.
#[derive(Debug)]
pub struct Entry {
    pub lookup: usize,
    pub record: String,
    pub version: Version,
    /// `None` where the record has no key, or must not be found.
    pub found: Option<Found>,
}

/// Under which key, in which scope, an entry is found, and what it stands for.
#[derive(Debug)]
pub struct Found {
    pub scope: Option<String>,
    pub key: String,
    pub value: String,
}

/// What a look-up says.
pub enum Answer<'a> {
    /// What the key stands for; nothing if it is unknown.
    Values(Values<'a>),
    /// A list behind it is still being read.
    Wait,
}

/// The values of a key.
pub struct Values<'a> {
    values: &'a [Value],
    many: bool,
}

impl<'a> Values<'a> {
    const NONE: Self = Self { values: &[], many: true };

    pub fn for_each(&self, mut take: impl FnMut(&'a str)) {
        if self.many {
            self.values.iter().for_each(|v| take(&v.stands_for));
        } else if let Some(newest) = self.values.iter().max_by_key(|v| (v.at, v.tie, &v.record)) {
            // Two live objects of one key: the newer one counts, and of two as new the one with the greater id.
            take(&newest.stands_for);
        }
    }
}

/// All look-ups.
#[derive(Debug)]
pub struct Lookups {
    maps: Vec<Map>,
    lists: Lists,
}

#[derive(Debug)]
struct Map {
    lookup: &'static Lookup,
    /// Each record's newest state and its place, by its id: an older state must not be found any more.
    records: Texts<(Version, Option<Place>)>,
    everywhere: Texts<Vec<Value>>,
    scoped: Texts<Texts<Vec<Value>>>,
}

#[derive(Debug)]
struct Place {
    scope: Option<Box<str>>,
    key: Box<str>,
}

#[derive(Debug)]
struct Value {
    at: i64,
    tie: u64,
    record: Box<str>,
    stands_for: Box<str>,
}

impl Lookups {
    pub fn new(lookups: &[&'static Lookup]) -> Self {
        let map = |lookup: &&'static Lookup| Map {
            lookup,
            records: Texts::default(),
            everywhere: Texts::default(),
            scoped: Texts::default(),
        };
        Self { maps: lookups.iter().map(map).collect(), lists: Lists::default() }
    }

    pub fn begin(&mut self, begin: &Begin) {
        let selected = |r: &&Resource| begin.resources.as_ref().is_none_or(|names| names.iter().any(|n| n == r.name));
        self.lists.lists =
            RESOURCES.iter().map(|r| Progress { selected: selected(r), ..Progress::default() }).collect();
    }

    /// Notes how a list ended, all of whose entries are in by now.
    pub fn close(&mut self, resource: &str, parent: Option<&ParentIds>, status: Status) {
        if let Some(resource) = Resource::find(resource).filter(|r| r.feeds_lookup()) {
            self.lists.close(resource, parent, status);
        }
    }

    /// From now on every list counts as read to its end.
    pub fn close_all(&mut self) {
        self.lists.all_closed = true;
    }

    pub fn insert(&mut self, entry: Entry) {
        self.maps[entry.lookup].insert(entry);
    }

    /// What `key` stands for within `scope`.
    pub fn get(&self, lookup: usize, key: &str, scope: Option<&str>) -> Answer<'_> {
        let map = &self.maps[lookup];
        // Where one list serves each scope, only that scope's own list must have been read to its end.
        let own_list = map.lookup.scope;
        for feed in map.lookup.feeds {
            let id = scope.filter(|_| own_list.is_some_and(|(r, _)| std::ptr::eq(r, feed.resource)));
            if !self.lists.is_closed(feed.resource, id) {
                return Answer::Wait;
            }
        }
        let key = map.fold(key);
        if let Some((resource, _)) = own_list {
            let Some(id) = scope.filter(|id| self.lists.was_read(resource, id)) else {
                return Answer::Values(Values::NONE);
            };
            let own = map.scoped.get(id).and_then(|keys| keys.get(&*key)).filter(|values| !values.is_empty());
            if let Some(values) = own {
                return Answer::Values(Values { values, many: map.lookup.many });
            }
        }
        let values = map.everywhere.get(&*key).map_or(&[][..], Vec::as_slice);
        Answer::Values(Values { values, many: map.lookup.many })
    }
}

impl Map {
    fn fold<'k>(&self, key: &'k str) -> Cow<'k, str> {
        if self.lookup.ignore_case && key.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
            Cow::Owned(key.to_lowercase())
        } else {
            Cow::Borrowed(key)
        }
    }

    fn keys(&mut self, scope: Option<&str>) -> &mut Texts<Vec<Value>> {
        match scope {
            Some(scope) => self.scoped.entry(scope.into()).or_default(),
            None => &mut self.everywhere,
        }
    }

    fn insert(&mut self, entry: Entry) {
        let record: Box<str> = entry.record.into();
        let version = entry.version;
        match self.records.remove(&record) {
            Some((held, place)) if (held.at, held.tie) >= (version.at, version.tie) => {
                self.records.insert(record, (held, place));
                return;
            }
            Some((_, Some(place))) => {
                if let Some(values) = self.keys(place.scope.as_deref()).get_mut(&place.key) {
                    values.retain(|v| v.record != record);
                }
            }
            _ => {}
        }
        let place = entry.found.map(|found| {
            let key: Box<str> = self.fold(&found.key).into();
            let value =
                Value { at: version.at, tie: version.tie, record: record.clone(), stands_for: found.value.into() };
            self.keys(found.scope.as_deref()).entry(key.clone()).or_default().push(value);
            Place { scope: found.scope.map(Into::into), key }
        });
        self.records.insert(record, (version, place));
    }
}

/// How far the lists behind look-ups have been read.
#[derive(Debug, Default)]
struct Lists {
    /// By the index in [`RESOURCES`].
    lists: Vec<Progress>,
    all_closed: bool,
}

/// One resource's lists.
#[derive(Debug, Default)]
struct Progress {
    selected: bool,
    whole: Option<Status>,
    /// By the parent's id.
    children: Texts<Status>,
}

impl Lists {
    /// A list that was read once was read, whatever another try came to.
    fn close(&mut self, resource: &Resource, parent: Option<&ParentIds>, status: Status) {
        let progress = &mut self.lists[resource.index()];
        let held = match parent {
            None => progress.whole.get_or_insert(status),
            Some(ids) => {
                let id = ids.values().map(String::as_str).collect::<Vec<_>>().join("\n");
                progress.children.entry(id.into()).or_insert(status)
            }
        };
        if *held != Status::Complete {
            *held = status;
        }
    }

    fn is_closed(&self, resource: &Resource, parent: Option<&str>) -> bool {
        let progress = &self.lists[resource.index()];
        if self.all_closed || !progress.selected {
            return true;
        }
        match parent {
            // A parent that was unavailable once may be read later; a list that is unavailable as a whole has no line
            // for each parent.
            Some(id) => self.was_read(resource, id) || progress.whole == Some(Status::Unavailable),
            // Which parents there are is not known before the end.
            None => resource.parent.is_none() && progress.whole.is_some(),
        }
    }

    /// Whether the records of that parent's list can be relied upon.
    fn was_read(&self, resource: &Resource, id: &str) -> bool {
        self.lists[resource.index()].children.get(id) == Some(&Status::Complete)
    }
}
