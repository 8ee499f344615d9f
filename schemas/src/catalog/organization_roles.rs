use super::lookups::OWN_ROLE;
use super::organizations::{ORGANIZATION, ORGANIZATIONS};
use super::roles::{ROLE, ROLES};
use super::{EdgeRule, ID, Paging, Parent, ParentColumn, Record, Request, Resource};
use crate::table::{EdgeTable, Source, Table};

/// `GET /authorization/organizations/{id}/roles`
pub static ORGANIZATION_ROLES: Resource = Resource {
    name: "organization_roles",
    doc: "Each organization's roles, its own and the environment's.",
    request: Request {
        path: "/authorization/organizations/{organization_id}/roles",
        query: &[],
        parent_query: &[],
        paging: Paging::Whole,
    },
    parent: Some(Parent {
        resource: &ORGANIZATIONS,
        keys: &[("organization_id", "id")],
        column: Some(ParentColumn { key: "organization_id", column: "organization_id", only_if: None }),
        unless: None,
    }),
    object: "role",
    record: Record {
        table: Some(Table::Node(&ROLE)),
        edges: &[EdgeRule {
            table: &HAS,
            source: Source::Parent("organization_id", Some(OWN_ROLE)),
            target: ID,
            when: Some(OWN_ROLE),
        }],
        embedded: &[],
    },
    brings: &[&ROLES],
};

static HAS: EdgeTable = EdgeTable {
    kind: "HAS",
    from: &ORGANIZATION,
    to: &ROLE,
    columns: &[],
    doc: "The organization defines this role itself.",
};
