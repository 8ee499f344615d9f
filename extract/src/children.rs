//! What the pages of a list say about the lists below it: whom to ask for, and whom not.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::catalog::{Parent, Resource};
use schemas::json;
use schemas::stream::ParentIds;
use twox_hash::XxHash3_128;

use crate::Error;
use crate::list::List;
use crate::page::Page;

/// The selected child lists, each with what is known of its parents. Ids are held, never records.
#[derive(Debug)]
pub(crate) struct Children {
    selected: Vec<(&'static Resource, &'static Parent)>,
    known: Mutex<HashMap<&'static str, Known>>,
}

/// What is known of the parents of one child list.
#[derive(Debug, Default)]
struct Known {
    /// The ids of each parent, in the order of the catalog's keys.
    parents: Vec<Vec<String>>,
    seen: HashSet<u128>,
    /// Ids under which another list holds the same.
    needless: HashSet<u128>,
    /// Parents of the parent list for which it was not readable.
    unread: Vec<(ParentIds, String)>,
}

/// Whom to ask a child list for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub parents: Vec<ParentIds>,
    /// Where nobody can say whom to ask for, and why.
    pub unread: Vec<(ParentIds, String)>,
}

impl Children {
    pub(crate) fn new(resources: &[&'static Resource]) -> Self {
        let selected = resources.iter().filter_map(|r| r.parent.as_ref().map(|p| (*r, p))).collect();
        Self { selected, known: Mutex::default() }
    }

    /// Takes note of a page's records.
    pub(crate) fn note(&self, list: &List, page: &Page) -> Result<(), Error> {
        for (child, parent) in &self.selected {
            if parent.resource.name == list.resource.name {
                for record in page.records() {
                    let ids = ids(list, record, child, parent)?;
                    let mut known = self.known();
                    let known = known.entry(child.name).or_default();
                    if known.seen.insert(fingerprint(&ids)) {
                        known.parents.push(ids);
                    }
                }
            }
            if let Some(unless) = &parent.unless
                && unless.resource.name == list.resource.name
                && let Some(id) = list.parent.as_ref().and_then(|p| p.get(unless.key))
                && page.records().any(|record| json::member(record, unless.member).is_some_and(is_filled))
            {
                self.known().entry(child.name).or_default().needless.insert(XxHash3_128::oneshot(id.as_bytes()));
            }
        }
        Ok(())
    }

    /// Takes note that nobody will say whom to ask the lists below this one for.
    pub(crate) fn unread(&self, list: &List, reason: &str) {
        let Some(above) = &list.parent else { return };
        for (child, parent) in &self.selected {
            if parent.resource.name == list.resource.name {
                let reason = format!("{list} is unavailable: {reason}");
                self.known().entry(child.name).or_default().unread.push((above.clone(), reason));
            }
        }
    }

    /// Whom to ask this list for. What was noted is forgotten.
    pub(crate) fn take(&self, child: &'static Resource, parent: &'static Parent) -> Asked {
        let Known { parents, needless, unread, .. } = self.known().remove(child.name).unwrap_or_default();
        let needed = |ids: &ParentIds| {
            let id = parent.unless.as_ref().and_then(|unless| ids.get(unless.key));
            !id.is_some_and(|id| needless.contains(&XxHash3_128::oneshot(id.as_bytes())))
        };
        let keyed = |ids: Vec<String>| parent.keys.iter().map(|(key, _)| (*key).to_owned()).zip(ids).collect();
        Asked {
            parents: parents.into_iter().map(keyed).filter(needed).collect(),
            unread: unread.into_iter().filter(|(above, _)| needed(above)).collect(),
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<&'static str, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ids that a record gives to the requests for a child list.
fn ids(list: &List, record: &str, child: &Resource, parent: &Parent) -> Result<Vec<String>, Error> {
    let mut ids = Vec::with_capacity(parent.keys.len());
    for (key, member) in parent.keys {
        let own = json::member(record, member).and_then(json::text).map(std::borrow::Cow::into_owned);
        // A record may leave out what its list was asked for with.
        let id = own.or_else(|| list.parent.as_ref().and_then(|p| p.get(*key)).cloned());
        let id = id.filter(|id| !id.is_empty());
        ids.push(id.ok_or_else(|| Error::ParentId { list: list.to_string(), member, child: child.name })?);
    }
    Ok(ids)
}

fn fingerprint(ids: &[String]) -> u128 {
    let mut hash = XxHash3_128::new();
    for id in ids {
        hash.write(&(id.len() as u64).to_le_bytes());
        hash.write(id.as_bytes());
    }
    hash.finish_128()
}

fn is_filled(array: &str) -> bool {
    !json::elements(array).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Answer;

    fn list(name: &str, parent: &[(&str, &str)]) -> List {
        let ids: ParentIds = parent.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        List { resource: Resource::find(name).unwrap(), parent: (!ids.is_empty()).then_some(ids) }
    }

    fn page(body: &str) -> Page {
        Page::new(Answer { body: body.to_owned(), fetched_at: 0 }, "x").unwrap()
    }

    fn asked(children: &Children, name: &str) -> (Vec<Vec<String>>, usize) {
        let child = Resource::find(name).unwrap();
        let asked = children.take(child, child.parent.as_ref().unwrap());
        (asked.parents.into_iter().map(|p| p.into_values().collect()).collect(), asked.unread.len())
    }

    #[test]
    fn each_parent_is_asked_for_once() {
        let children = Children::new(schemas::catalog::RESOURCES);
        let organizations = list("organizations", &[]);
        children.note(&organizations, &page(r#"{"data":[{"id":"a\u0062"},{"id":"c"}]}"#)).unwrap();
        children.note(&organizations, &page(r#"[{"id":"c"},{"id":"d"}]"#)).unwrap();
        let expected = vec![vec!["ab".to_owned()], vec!["c".to_owned()], vec!["d".to_owned()]];
        assert_eq!(asked(&children, "organization_roles"), (expected.clone(), 0));
        assert_eq!(asked(&children, "api_keys"), (expected, 0));
        assert_eq!(asked(&children, "api_keys"), (vec![], 0));
        let error = children.note(&organizations, &page(r#"[{"id":7}]"#)).unwrap_err();
        assert!(matches!(error, Error::ParentId { member: "id", .. }), "{error}");
    }

    #[test]
    fn lists_that_hold_nothing_new_are_left_out() {
        let children = Children::new(schemas::catalog::RESOURCES);
        for directory in ["d1", "d2", "d3"] {
            let groups = page(&format!(r#"[{{"id":"g_{directory}"}}]"#));
            children.note(&list("directory_groups", &[("directory_id", directory)]), &groups).unwrap();
        }
        let users =
            |d: &str, body: &str| children.note(&list("directory_users", &[("directory_id", d)]), &page(body)).unwrap();
        users("d1", r#"[{"groups":[]},{"groups":[{"id":"g"}]}]"#);
        users("d2", r#"[{"groups":[]},{"groups":null},{}]"#);
        for directory in ["d1", "d4"] {
            children.unread(&list("directory_groups", &[("directory_id", directory)]), "403");
        }
        let pair = |d: &str| vec![d.to_owned(), format!("g_{d}")];
        assert_eq!(asked(&children, "directory_group_users"), (vec![pair("d2"), pair("d3")], 1));
    }
}
