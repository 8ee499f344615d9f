//! Every resource of the API, as data: one file each, one list.
//!
//! A resource is one request. Its file says how it is asked for, what its records become and which
//! edges they carry; extract, transform, load and the documentation read nothing else.

mod api_keys;
mod applications;
mod connections;
mod directories;
mod directory_group_users;
mod directory_groups;
mod directory_users;
mod environment;
mod events;
mod invitations;
mod lookups;
mod organization_memberships;
mod organization_roles;
mod organizations;
mod roles;
mod users;

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

pub use environment::ENVIRONMENT;

use crate::table::{EdgeTable, NodeTable, Source, Table, When};

/// Every resource, in the order of extraction: look-ups first, parents before children, events last.
pub static RESOURCES: &[&Resource] = &[
    &roles::ROLES,
    &organizations::ORGANIZATIONS,
    &organization_roles::ORGANIZATION_ROLES,
    &invitations::INVITATIONS,
    &users::USERS,
    &organization_memberships::ORGANIZATION_MEMBERSHIPS,
    &directories::DIRECTORIES,
    &directory_groups::DIRECTORY_GROUPS,
    &directory_users::DIRECTORY_USERS,
    &directory_group_users::DIRECTORY_GROUP_USERS,
    &api_keys::API_KEYS,
    &applications::APPLICATIONS,
    &connections::CONNECTIONS,
    &events::EVENTS,
];

/// One list of the API and what its records become.
pub struct Resource {
    /// The name in the raw stream and on the command line.
    pub name: &'static str,
    /// One sentence for the documentation.
    pub doc: &'static str,
    /// How a page is asked for.
    pub request: Request,
    /// The list whose records this one is asked for with, if it is not asked for as a whole.
    pub parent: Option<Parent>,
    /// `object` of its records: what a record without one is taken for when credentials are removed.
    pub object: &'static str,
    /// What a record becomes.
    pub record: Record,
    /// Resources that come along when this one is selected, besides its parent: the look-ups it needs, and those
    /// whose records carry its edges.
    pub brings: &'static [&'static Resource],
}

/// How a page of a list is asked for, and what comes back.
#[derive(Debug)]
pub struct Request {
    /// The path, with parent keys in braces.
    pub path: &'static str,
    /// Parameters that are always sent.
    pub query: &'static [(&'static str, &'static str)],
    /// Parameters that carry an id of the parent: (parameter, key in `parent`).
    pub parent_query: &'static [(&'static str, &'static str)],
    /// How the list is paged.
    pub paging: Paging,
}

/// The forms in which the API answers a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// Pages of up to 100 in an envelope; the next one is asked for with `after`.
    Cursor,
    /// One envelope with everything; no parameters of paging.
    Whole,
    /// One bare array with everything.
    Array,
    /// Cursor pages of things that happened, read by windows of time.
    Windows,
}

/// The list whose records a child list is asked for with.
#[derive(Debug)]
pub struct Parent {
    /// The parent list.
    pub resource: &'static Resource,
    /// Keys of `parent` in the stream, each with the member of the parent's record that fills it.
    pub keys: &'static [(&'static str, &'static str)],
    /// The column of this resource's node table that repeats an id of `parent`: rows are told apart by it when single
    /// parents could not be read.
    pub column: Option<ParentColumn>,
    /// A member of another child list of the same parent that makes this list needless where it is filled.
    pub unless: Option<Unless>,
}

/// A column that repeats an id of the parent.
#[derive(Debug, Clone, Copy)]
pub struct ParentColumn {
    /// The key in `parent`.
    pub key: &'static str,
    /// The column.
    pub column: &'static str,
    /// It does only where this other column holds this text.
    pub only_if: Option<(&'static str, &'static str)>,
}

/// A list is not asked for where records of another list of the same parent hold the same.
#[derive(Debug)]
pub struct Unless {
    /// The other list.
    pub resource: &'static Resource,
    /// The key that both have in `parent`.
    pub key: &'static str,
    /// The array in its records that, when it is not empty in any of them, makes this list needless.
    pub member: &'static str,
}

/// What a record becomes.
#[derive(Debug)]
pub struct Record {
    /// The table whose row it is; none if it yields edges only.
    pub table: Option<Table>,
    /// The edges it carries.
    pub edges: &'static [EdgeRule],
    /// Objects inside it that are rows of their own.
    pub embedded: &'static [Embedded],
}

/// An array of objects within a record, each a row of its own, owned by the record.
#[derive(Debug)]
pub struct Embedded {
    /// The member that holds the array.
    pub member: &'static str,
    /// The table of its elements.
    pub table: &'static NodeTable,
    /// The column of that table which names the record they stand in.
    pub column: &'static str,
    /// The edges that an element carries.
    pub edges: &'static [EdgeRule],
}

/// How a record yields edges of one table: one for each pair of a source and a target.
#[derive(Debug)]
pub struct EdgeRule {
    /// The table.
    pub table: &'static EdgeTable,
    /// The source's id, or ids.
    pub source: Source,
    /// The target's id, or ids.
    pub target: Source,
    /// No edge unless this holds.
    pub when: Option<When>,
}

/// The path of a record's own id.
pub const ID: Source = Source::Path(&["id"]);

/// A small map, built from the records of some resources, by which records of others find ids.
#[derive(Debug)]
pub struct Lookup {
    /// Its name in documentation and errors.
    pub name: &'static str,
    /// Where its entries come from.
    pub feeds: &'static [Feed],
    /// Keys are compared without case.
    pub ignore_case: bool,
    /// A key stands for all its values; otherwise the newest one counts.
    pub many: bool,
    /// If set, a key is looked up within a scope first, then among the entries without one; but only where the scope's own
    /// list was read: that list's resource and the key of its `parent`.
    pub scope: Option<(&'static Resource, &'static str)>,
}

/// Records of a resource as entries of a look-up.
#[derive(Debug)]
pub struct Feed {
    /// The resource.
    pub resource: &'static Resource,
    /// The key.
    pub key: Source,
    /// What the key stands for.
    pub value: Source,
    /// The scope in which it does; null means everywhere.
    pub scope: Option<Source>,
    /// No entry where this is not null.
    pub unless: Option<Source>,
}

/// Its name: resources refer to one another in circles, through parents, look-ups and what they bring.
impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Resource").field(&self.name).finish()
    }
}

impl Resource {
    /// The resource of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        RESOURCES.iter().copied().find(|r| r.name == name)
    }

    /// Its place in [`RESOURCES`].
    #[must_use]
    pub fn index(&self) -> usize {
        RESOURCES.iter().position(|r| std::ptr::eq(*r, self)).unwrap_or(usize::MAX)
    }

    /// Every source that its records are read by.
    pub fn sources(&self) -> impl Iterator<Item = &'static Source> {
        let columns = self.record.table.map_or(&[][..], Table::columns);
        let embedded = self.record.embedded.iter().flat_map(|e| e.edges);
        let rules = self.record.edges.iter().chain(embedded);
        columns.iter().map(|c| &c.source).chain(rules.flat_map(|r| [&r.source, &r.target]))
    }

    /// The look-ups that its records are resolved by.
    #[must_use]
    pub fn lookups(&self) -> Vec<&'static Lookup> {
        let mut found = Vec::new();
        for source in self.sources() {
            collect_lookups(source, &mut found);
        }
        found
    }

    /// True if one of its fields decides what another resource's records become.
    #[must_use]
    pub fn feeds_lookup(&self) -> bool {
        RESOURCES.iter().flat_map(|r| r.lookups()).flat_map(|l| l.feeds).any(|f| f.resource.name == self.name)
    }

    /// Itself, and what selecting it brings along.
    #[must_use]
    pub fn closure(&'static self) -> Vec<&'static Self> {
        let mut found: Vec<&'static Self> = vec![self];
        let mut next = 0;
        while let Some(resource) = found.get(next).copied() {
            let parent = resource.parent.as_ref().map(|p| p.resource);
            for other in resource.brings.iter().copied().chain(parent) {
                if !found.iter().any(|f| f.name == other.name) {
                    found.push(other);
                }
            }
            next += 1;
        }
        found.sort_by_key(|r| r.index());
        found
    }
}

fn collect_lookups(source: &'static Source, found: &mut Vec<&'static Lookup>) {
    match source {
        Source::Lookup { lookup, .. } if !found.iter().any(|l| l.name == lookup.name) => found.push(lookup),
        Source::FirstOf(all) | Source::AllOf(all) => {
            for one in *all {
                collect_lookups(one, found);
            }
        }
        _ => {}
    }
}

/// A table, and everything that decides whether it is complete.
#[derive(Debug)]
pub struct TableEntry {
    /// The table.
    pub table: Table,
    /// [`Table::key`].
    pub key: String,
    /// The resources whose records are its rows or carry its edges.
    pub resources: Vec<&'static Resource>,
    /// Resources that it needs besides, to be complete: those behind its look-ups.
    pub lookups: Vec<&'static Resource>,
}

/// Every table that records are written to, in the order in which the catalog names them.
///
/// [`ENVIRONMENT`] and the `RESOURCE` edges are not among them: load makes those from the merged node tables.
pub static TABLES: LazyLock<Vec<TableEntry>> = LazyLock::new(|| {
    let mut tables: Vec<TableEntry> = Vec::new();
    for resource in RESOURCES {
        for (table, sources) in tables_of(resource) {
            let key = table.key();
            let at = tables.iter().position(|t| t.key == key).unwrap_or_else(|| {
                tables.push(TableEntry { table, key, resources: Vec::new(), lookups: Vec::new() });
                tables.len() - 1
            });
            let entry = &mut tables[at];
            if !entry.resources.iter().any(|r| r.name == resource.name) {
                entry.resources.push(resource);
            }
            let mut lookups = Vec::new();
            for source in sources {
                collect_lookups(source, &mut lookups);
            }
            // A node keeps its row when a look-up was unavailable; an edge would be missing.
            if matches!(table, Table::Edge(_)) {
                for feed in lookups.iter().flat_map(|l| l.feeds) {
                    if !entry.lookups.iter().any(|r| r.name == feed.resource.name) {
                        entry.lookups.push(feed.resource);
                    }
                }
            }
        }
    }
    tables
});

fn tables_of(resource: &'static Resource) -> Vec<(Table, Vec<&'static Source>)> {
    let record = &resource.record;
    let own = record.table.into_iter().map(|t| (t, t.columns().iter().map(|c| &c.source).collect()));
    let embedded = record.embedded.iter().map(|e| (Table::Node(e.table), Vec::new()));
    let rules = record.edges.iter().chain(record.embedded.iter().flat_map(|e| e.edges));
    let edges = rules.map(|r| (Table::Edge(r.table), vec![&r.source, &r.target]));
    own.chain(embedded).chain(edges).collect()
}

/// The index in [`TABLES`] of the table with that key.
#[must_use]
pub fn table_index(key: &str) -> Option<usize> {
    TABLES.iter().position(|t| t.key == key)
}

/// `RESOURCE` edges to the nodes of one label.
#[must_use]
pub fn resource_edges(to: &'static NodeTable) -> EdgeTable {
    EdgeTable { kind: "RESOURCE", from: &ENVIRONMENT, to, columns: &[], doc: "The environment holds this node." }
}

/// The selection of resources that `only` and `exclude` name: in order of extraction, with what each brings along.
///
/// # Errors
/// A name that no resource has, or an excluded resource that a selected one needs.
pub fn select(only: &[String], exclude: &[String]) -> Result<Vec<&'static Resource>, SelectError> {
    let find = |name: &String| Resource::find(name).ok_or_else(|| SelectError::Unknown(name.clone()));
    let excluded: HashSet<&str> = exclude.iter().map(|n| find(n).map(|r| r.name)).collect::<Result<_, _>>()?;
    let wanted: Vec<&'static Resource> = if only.is_empty() {
        RESOURCES.iter().copied().filter(|r| !excluded.contains(r.name)).collect()
    } else {
        only.iter().map(find).collect::<Result<_, _>>()?
    };
    let mut selected: Vec<&'static Resource> = Vec::new();
    for resource in wanted {
        for needed in resource.closure() {
            if excluded.contains(needed.name) {
                return Err(SelectError::Needed { excluded: needed.name, by: resource.name });
            }
            if !selected.iter().any(|s| s.name == needed.name) {
                selected.push(needed);
            }
        }
    }
    selected.sort_by_key(|r| r.index());
    Ok(selected)
}

/// Why a selection of resources makes no sense.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SelectError {
    /// No resource has this name.
    #[error("unknown resource `{0}`; the resources are {names}", names = names())]
    Unknown(String),
    /// Excluded, but another selected resource cannot do without.
    #[error("`{by}` needs `{excluded}`: exclude `{by}` as well, or keep `{excluded}`")]
    Needed {
        /// What was excluded.
        excluded: &'static str,
        /// Who needs it.
        by: &'static str,
    },
}

fn names() -> String {
    RESOURCES.iter().map(|r| r.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
