//! Whether all pages of a list arrived that its `done` counts: a lost page must not look like deleted objects.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;
use schemas::stream::{Done, ParentIds, Status};

/// Lists that are not complete yet. One is forgotten when it is, so that what is held does not grow with the stream.
#[derive(Debug, Default)]
pub struct Progress {
    open: HashMap<(String, Option<ParentIds>), List, RandomState>,
}

#[derive(Debug, Default)]
struct List {
    pages: HashSet<u64, RandomState>,
    records: u64,
    done: Option<Done>,
}

impl List {
    fn missing(&self) -> Option<String> {
        let Some(done) = &self.done else { return Some("the stream has pages of it, but no `done` line".to_owned()) };
        let pages = self.pages.len() as u64;
        if pages < done.pages {
            return Some(format!("{pages} of {} pages could be read from the stream", done.pages));
        }
        (self.records < done.records)
            .then(|| format!("{} of {} records could be read from the stream", self.records, done.records))
    }
}

impl Progress {
    /// Notes a page; `place` tells it from the list's other pages. Gives the `done` line that waited for it.
    pub fn page(&mut self, resource: &str, parent: Option<&ParentIds>, place: u64, records: u64) -> Option<Done> {
        let key = (resource.to_owned(), parent.cloned());
        let list = self.open.entry(key.clone()).or_default();
        if list.pages.insert(place) {
            list.records += records;
        }
        if list.missing().is_some() {
            return None;
        }
        self.open.remove(&key)?.done
    }

    /// Notes a `done` line; gives it back if nothing of its list is missing.
    pub fn done(&mut self, done: Done) -> Option<Done> {
        if done.status != Status::Complete {
            return Some(done);
        }
        let key = (done.resource.clone(), done.parent.clone());
        let list = self.open.entry(key.clone()).or_default();
        list.done = Some(done);
        if list.missing().is_some() {
            return None;
        }
        self.open.remove(&key)?.done
    }

    /// What the stream leaves incomplete, as lists that could not be read, in the order of their names; with each, whether
    /// the stream had a `done` line of it at all.
    pub fn finish(&mut self) -> Vec<(Done, bool)> {
        let mut incomplete = Vec::new();
        for ((resource, parent), list) in self.open.drain() {
            let (pages, records) = (list.pages.len() as u64, list.records);
            let (reason, counted) = (list.missing(), list.done.is_some());
            let done = Done { resource, parent, status: Status::Unavailable, reason, pages, records };
            incomplete.push((done, counted));
        }
        incomplete.sort_by(|(a, _), (b, _)| (&a.resource, &a.parent).cmp(&(&b.resource, &b.parent)));
        incomplete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(pages: u64, records: u64) -> Done {
        Done { resource: "users".into(), parent: None, status: Status::Complete, reason: None, pages, records }
    }

    #[test]
    fn a_list_is_complete_when_all_that_is_counted_came() {
        let mut progress = Progress::default();
        assert_eq!(progress.page("users", None, 1, 100), None);
        assert_eq!(progress.done(done(2, 150)), None);
        assert_eq!(progress.page("users", None, 1, 100), None, "the same page twice is one");
        assert_eq!(progress.page("users", None, 2, 50), Some(done(2, 150)));
        assert_eq!(progress.done(done(0, 0)), Some(done(0, 0)));
        assert!(progress.finish().is_empty());
    }

    #[test]
    fn what_is_missing_is_said() {
        for (pages, records, reason) in
            [(3, 100, "1 of 3 pages could be read"), (1, 101, "100 of 101 records could be read")]
        {
            let mut progress = Progress::default();
            progress.page("users", None, 1, 100);
            assert_eq!(progress.done(done(pages, records)), None);
            let (incomplete, counted) = progress.finish().remove(0);
            assert!(counted);
            assert_eq!(incomplete.status, Status::Unavailable);
            assert!(incomplete.reason.as_ref().unwrap().starts_with(reason), "{incomplete:?}");
        }
        let mut progress = Progress::default();
        progress.page("users", None, 1, 100);
        let (incomplete, counted) = progress.finish().remove(0);
        assert!(!counted && incomplete.reason.as_ref().unwrap().contains("no `done` line"));
    }
}
