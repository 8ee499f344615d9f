//! What the stream says about how each list was read.

use std::collections::{BTreeMap, HashMap};

use schemas::catalog::{RESOURCES, Resource};
use schemas::stream::{Done, ParentIds, Status};

use crate::fingerprint::{self, Ids};
use crate::manifest::Unavailable;

/// The `done` records of a stream, whatever their order and number.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    whole: BTreeMap<&'static str, Whole>,
    /// Parents that could not be read, by their id.
    single: BTreeMap<&'static str, BTreeMap<String, (ParentIds, String)>>,
    /// Parents that were read, or are gone.
    closed: HashMap<&'static str, Ids>,
}

#[derive(Debug)]
struct Whole {
    read: bool,
    reason: String,
}

/// The key of `parent` that holds the id of the parent's own record.
pub(crate) fn id_key(resource: &Resource) -> Option<&'static str> {
    let parent = resource.parent.as_ref()?;
    parent.keys.iter().find(|(_, member)| *member == "id").map(|(key, _)| *key)
}

impl Reads {
    /// Takes one record. A list that was read once was read, whatever another try came to.
    pub fn push(&mut self, done: Done) {
        // A list that this version does not know has no tables either.
        let Some(resource) = Resource::find(&done.resource) else { return };
        let read = done.status != Status::Unavailable;
        let reason = done.reason.unwrap_or_else(|| "no reason given".to_owned());
        let parent = done.parent.filter(|p| !p.is_empty());
        let id = parent.as_ref().and_then(|ids| ids.get(id_key(resource)?)).cloned();
        match (parent, id) {
            (Some(_), Some(id)) if read => {
                self.closed.entry(resource.name).or_default().insert(fingerprint::id(&id));
            }
            (Some(parent), Some(id)) => {
                let reasons = self.single.entry(resource.name).or_default().entry(id);
                let kept = reasons.or_insert_with(|| (parent, reason.clone()));
                kept.1 = std::cmp::min(std::mem::take(&mut kept.1), reason);
            }
            (Some(_), None) => {}
            (None, _) => {
                let whole = self.whole.entry(resource.name).or_insert(Whole { read, reason: reason.clone() });
                whole.read |= read;
                whole.reason = std::cmp::min(std::mem::take(&mut whole.reason), reason);
            }
        }
    }

    /// True if the list was read to its end, single parents aside.
    pub fn is_read(&self, resource: &Resource) -> bool {
        let parent = resource.parent.as_ref().and_then(|p| self.whole.get(p.resource.name));
        self.whole.get(resource.name).is_some_and(|w| w.read) && parent.is_none_or(|p| p.read)
    }

    /// The parents whose list could not be read, though the list as a whole could.
    pub fn unavailable_parents(&self, resource: &Resource) -> Ids {
        let single = self.single.get(resource.name).into_iter().flatten();
        single.map(|(id, _)| fingerprint::id(id)).filter(|id| !self.is_closed(resource, *id)).collect()
    }

    /// True if the list of this parent was read, or the parent is gone.
    pub fn is_closed(&self, resource: &Resource, parent: u128) -> bool {
        self.closed.get(resource.name).is_some_and(|c| c.contains(&parent))
    }

    /// Everything that could not be read, for the manifest.
    pub fn unavailable(&self, selected: Option<&[String]>) -> Vec<Unavailable> {
        let mut found = Vec::new();
        for resource in RESOURCES {
            let name = resource.name.to_owned();
            match self.whole.get(resource.name) {
                Some(whole) if !whole.read => {
                    found.push(Unavailable { resource: name, parent: None, reason: whole.reason.clone() });
                }
                None if selected.is_some_and(|s| s.contains(&name)) => {
                    let reason = "selected, but the stream never closed it".to_owned();
                    found.push(Unavailable { resource: name, parent: None, reason });
                }
                _ => {
                    let single = self.single.get(resource.name).into_iter().flatten();
                    let open = single.filter(|(id, _)| !self.is_closed(resource, fingerprint::id(id)));
                    found.extend(open.map(|(_, (parent, reason))| Unavailable {
                        resource: name.clone(),
                        parent: Some(parent.clone()),
                        reason: reason.clone(),
                    }));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(resource: &str, parent: Option<&str>, status: Status) -> Done {
        let parent = parent.map(|id| {
            let key = id_key(Resource::find(resource).unwrap()).unwrap();
            ParentIds::from([(key.to_owned(), id.to_owned())])
        });
        Done { resource: resource.to_owned(), parent, status, reason: None, pages: 0, records: 0 }
    }

    #[test]
    fn the_parent_of_a_child_with_two_keys_is_the_nearer_one() {
        assert_eq!(id_key(Resource::find("directory_group_users").unwrap()), Some("group_id"));
        assert_eq!(id_key(Resource::find("users").unwrap()), None);
    }

    #[test]
    fn a_list_that_was_read_once_was_read() {
        for order in [[0, 1], [1, 0]] {
            let mut reads = Reads::default();
            for i in order {
                let status = [Status::Unavailable, Status::Complete][i];
                reads.push(done("organization_memberships", None, Status::Complete));
                reads.push(done("organization_memberships", Some("org_1"), status));
            }
            let memberships = Resource::find("organization_memberships").unwrap();
            assert!(reads.is_read(memberships));
            assert!(reads.unavailable_parents(memberships).is_empty());
            assert!(reads.unavailable(None).is_empty());
        }
    }

    #[test]
    fn without_its_parent_a_list_is_not_read() {
        let mut reads = Reads::default();
        reads.push(done("directory_users", None, Status::Complete));
        let users = Resource::find("directory_users").unwrap();
        assert!(reads.is_read(users));
        reads.push(done("directories", None, Status::Unavailable));
        assert!(!reads.is_read(users));
        let selected = ["directories".to_owned(), "events".to_owned()];
        let listed: Vec<_> = reads.unavailable(Some(&selected)).into_iter().map(|u| u.resource).collect();
        assert_eq!(listed, ["directories", "events"]);
    }
}
