//! Which rows of the previous commit stay, because what replaces them could not be read.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use schemas::catalog::{EdgeRule, Embedded, ParentColumn, RESOURCES, Resource, TABLES, table_index};
use schemas::table::{Source, Table};

use crate::fingerprint::Ids;
use crate::reads::{Reads, id_key};

/// What the merge of a table decided, for the tables that depend on it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Versions of objects that others outdid: what they own falls with them.
    pub losers: HashSet<u128>,
    /// Rows of the previous commit whose list could not be read.
    pub carried: Ids,
    /// Rows of the previous commit that stand in for quarantined ones.
    pub held: Ids,
    /// Fresh rows whose look-up could not be answered, because a list behind it was not read.
    pub unresolved: Ids,
}

/// Why a row of the previous commit stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its list could not be read.
    Unread,
    /// Its record does not fit, and was set aside.
    Quarantined,
}

/// What a column must hold for a row of the previous commit to stay.
#[derive(Debug)]
pub(crate) enum Names {
    /// One of these ids.
    OneOf(Ids),
    /// Anything but this text.
    AnythingBut(&'static str),
}

/// Rows of the previous commit stay where the column holds what is named.
#[derive(Debug)]
pub(crate) struct Rule {
    /// A column of the lake's files.
    pub column: usize,
    pub names: Names,
    pub why: Why,
}

/// Everything that decides which rows stay.
#[derive(Debug)]
pub(crate) struct Known {
    pub reads: Reads,
    /// Ids of records that were set aside, by resource.
    pub quarantined: HashMap<&'static str, Ids>,
    /// By index in [`TABLES`], as their merges end.
    outcomes: Vec<OnceLock<Outcome>>,
}

impl Known {
    pub fn new(reads: Reads, quarantined: HashMap<&'static str, Ids>) -> Self {
        Self { reads, quarantined, outcomes: TABLES.iter().map(|_| OnceLock::new()).collect() }
    }

    /// Adds what a merge decided.
    pub fn decide(&self, table: usize, outcome: Outcome) {
        // Each table is merged once.
        let _ = self.outcomes[table].set(outcome);
    }

    fn outcome(&self, table: Table) -> Option<&Outcome> {
        self.outcomes.get(table_index(&table.key())?)?.get()
    }

    /// Fingerprints of outdone versions that rows of this table may belong to.
    pub fn losers(&self, table: usize) -> Vec<&HashSet<u128>> {
        let decided = needs(table).into_iter().filter_map(|t| self.outcomes[t].get());
        decided.map(|o| &o.losers).filter(|l| !l.is_empty()).collect()
    }

    /// Parents whose list could not be read: those the stream names, and those that are there only because their own list could
    /// not be read, so that nobody could ask for their children.
    pub fn unavailable_parents(&self, resource: &Resource) -> Ids {
        let mut ids = self.reads.unavailable_parents(resource);
        let parent = resource.parent.as_ref().and_then(|p| p.resource.record.table);
        if let Some(parent) = parent.and_then(|t| self.outcome(t)) {
            ids.extend(parent.carried.iter().filter(|id| !self.reads.is_closed(resource, **id)));
        }
        ids
    }

    /// True if something that the table depends on was not read for single parents.
    pub fn is_torn(&self, table: usize) -> bool {
        let entry = &TABLES[table];
        let mut needed = entry.resources.iter().chain(&entry.lookups);
        needed.any(|r| !self.unavailable_parents(r).is_empty())
    }

    /// The rules for a table's previous rows, once all it depends on is decided.
    pub fn rules(&self, table: usize) -> Vec<Rule> {
        let table = TABLES[table].table;
        let mut rules = Rules { table, found: Vec::new() };
        for resource in RESOURCES {
            let record = &resource.record;
            if record.table.is_some_and(|t| t.key() == table.key()) {
                if let Some(ParentColumn { key, column, only_if }) = resource.parent.as_ref().and_then(|p| p.column)
                    && id_key(resource) == Some(key)
                {
                    let unavailable = self.unavailable_parents(resource);
                    if let Some((told_by, equals)) = only_if.filter(|_| !unavailable.is_empty()) {
                        // Which list such a row came from cannot be told, so it may be one that was not read.
                        rules.push(told_by, Names::AnythingBut(equals), Why::Unread);
                    }
                    rules.add(column, unavailable, Why::Unread);
                }
                rules.add("id", self.quarantined(resource), Why::Quarantined);
            }
            for embedded in record.embedded {
                self.embedded_rules(resource, embedded, &mut rules);
            }
            for rule in record.edges {
                self.edge_rules(resource, record.table, rule, &mut rules);
            }
        }
        rules.found
    }

    fn quarantined(&self, resource: &Resource) -> Ids {
        self.quarantined.get(resource.name).cloned().unwrap_or_default()
    }

    fn embedded_rules(&self, resource: &Resource, embedded: &Embedded, rules: &mut Rules) {
        let table = Table::Node(embedded.table);
        if table.key() == rules.table.key()
            && let Some(owner) = resource.record.table.and_then(|t| self.outcome(t))
        {
            rules.add(embedded.column, owner.carried.clone(), Why::Unread);
            rules.add(embedded.column, owner.held.clone(), Why::Quarantined);
        }
        for rule in embedded.edges {
            self.edge_rules(resource, Some(table), rule, rules);
        }
    }

    /// An edge belongs to the record whose own id is one of its ends, or to the parent whose id is.
    fn edge_rules(&self, resource: &Resource, record: Option<Table>, rule: &EdgeRule, rules: &mut Rules) {
        if Table::Edge(rule.table).key() != rules.table.key() {
            return;
        }
        for (column, source) in [("source_id", &rule.source), ("target_id", &rule.target)] {
            match source {
                Source::Path(["id"]) => match record.map(|t| self.outcome(t)) {
                    Some(Some(outcome)) => {
                        rules.add(column, outcome.carried.clone(), Why::Unread);
                        rules.add(column, outcome.held.clone(), Why::Quarantined);
                        if !unresolvable(rule, self).is_empty() {
                            rules.add(column, outcome.unresolved.clone(), Why::Unread);
                        }
                    }
                    Some(None) => {}
                    None => rules.add(column, self.quarantined(resource), Why::Quarantined),
                },
                Source::Parent(key, _) if id_key(resource) == Some(*key) => {
                    rules.add(column, self.unavailable_parents(resource), Why::Unread);
                }
                _ => {}
            }
        }
        if rule.table.is_keyed() {
            rules.add("id", self.quarantined(resource), Why::Quarantined);
        }
    }

    /// Columns of a node table, with the ids that make its rows [`Outcome::unresolved`].
    pub fn unresolved(&self, table: usize) -> Vec<(usize, Ids)> {
        let table = TABLES[table].table;
        let records = RESOURCES.iter().map(|r| &r.record);
        let own = records.filter(|r| r.table.is_some_and(|t| t.key() == table.key()));
        let rules = own.flat_map(|r| r.edges);
        rules
            .flat_map(|rule| unresolvable(rule, self))
            .filter_map(|(path, ids)| {
                let column = table.columns().iter().find(|c| match c.source {
                    Source::Own => *path == [c.name],
                    Source::Path(own) => own == path,
                    _ => false,
                })?;
                Some((table.lake_schema().index_of(column.name).ok()?, ids))
            })
            .collect()
    }
}

/// The scopes in which the look-ups of a rule could not be answered: the member that names the scope, and the ids.
fn unresolvable(rule: &EdgeRule, known: &Known) -> Vec<(&'static [&'static str], Ids)> {
    let scoped = |source: &Source| match source {
        Source::Lookup { lookup, scope: Some(scope), .. } => {
            let path = path_of(scope)?;
            let ids = known.unavailable_parents(lookup.scope?.0);
            (!ids.is_empty()).then_some((path, ids))
        }
        _ => None,
    };
    [&rule.source, &rule.target].into_iter().filter_map(scoped).collect()
}

/// The member that a source reads, or reads first.
fn path_of(source: &Source) -> Option<&'static [&'static str]> {
    match source {
        Source::Path(path) => Some(path),
        Source::FirstOf([first, ..]) => path_of(first),
        _ => None,
    }
}

struct Rules {
    table: Table,
    found: Vec<Rule>,
}

impl Rules {
    fn add(&mut self, column: &str, ids: Ids, why: Why) {
        if !ids.is_empty() {
            self.push(column, Names::OneOf(ids), why);
        }
    }

    fn push(&mut self, column: &str, names: Names, why: Why) {
        if let Ok(column) = self.table.lake_schema().index_of(column) {
            self.found.push(Rule { column, names, why });
        }
    }
}

/// The tables whose merges must have ended before that of `table` begins.
pub(crate) fn needs(table: usize) -> Vec<usize> {
    let key = &TABLES[table].key;
    let is = |t: Table| t.key() == *key;
    let mut found: Vec<Table> = Vec::new();
    for resource in RESOURCES {
        let record = &resource.record;
        let parent = resource.parent.as_ref().and_then(|p| p.resource.record.table);
        let mut relevant = record.table.is_some_and(is);
        for embedded in record.embedded {
            relevant |= is(Table::Node(embedded.table));
            if embedded.edges.iter().any(|r| is(Table::Edge(r.table))) {
                // Its edges may be owned by either.
                found.push(Table::Node(embedded.table));
                found.extend(record.table);
            }
        }
        let edges = record.edges.iter().any(|r| is(Table::Edge(r.table)));
        if edges || record.embedded.iter().any(|e| is(Table::Node(e.table))) {
            found.extend(record.table);
        }
        if relevant || edges {
            found.extend(parent);
            let scopes = resource.lookups().into_iter().filter_map(|l| l.scope);
            found.extend(scopes.filter_map(|(r, _)| r.parent.as_ref()?.resource.record.table));
        }
    }
    let mut indexes: Vec<usize> =
        found.into_iter().filter_map(|t| table_index(&t.key())).filter(|i| *i != table).collect();
    indexes.sort_unstable();
    indexes.dedup();
    indexes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(table: &str) -> Vec<&'static str> {
        needs(table_index(table).unwrap()).into_iter().map(|t| TABLES[t].key.as_str()).collect()
    }

    #[test]
    fn owners_and_parents_come_first() {
        assert_eq!(keys("WorkOSOrganizationDomain"), ["WorkOSOrganization"]);
        assert_eq!(
            keys("DOMAIN_OF/WorkOSOrganizationDomain/WorkOSOrganization"),
            ["WorkOSOrganization", "WorkOSOrganizationDomain"]
        );
        assert!(keys("WorkOSUser").is_empty());
        let member_of = keys("MEMBER_OF/WorkOSDirectoryUser/WorkOSDirectoryGroup");
        for needed in ["WorkOSDirectory", "WorkOSDirectoryUser", "WorkOSDirectoryGroup"] {
            assert!(member_of.contains(&needed), "{needed}");
        }
    }

    #[test]
    fn no_table_waits_for_itself() {
        fn reach(from: usize, seen: &mut Vec<usize>) {
            for next in needs(from) {
                if !seen.contains(&next) {
                    seen.push(next);
                    reach(next, seen);
                }
            }
        }
        for table in 0..TABLES.len() {
            let mut seen = Vec::new();
            reach(table, &mut seen);
            assert!(!seen.contains(&table), "{}", TABLES[table].key);
        }
    }
}
