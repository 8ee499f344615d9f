use super::organizations::ORGANIZATION;
use super::{EdgeRule, ID, Paging, Record, Request, Resource};
use crate::table::{Column, EdgeTable, NodeTable, Source, Table};

/// `GET /connections`
pub static CONNECTIONS: Resource = Resource {
    name: "connections",
    doc: "Connections to identity providers.",
    request: Request { path: "/connections", query: &[], parent_query: &[], paging: Paging::Cursor },
    parent: None,
    object: "connection",
    record: Record {
        table: Some(Table::Node(&CONNECTION)),
        edges: &[EdgeRule { table: &BELONGS_TO, source: ID, target: Source::Path(&["organization_id"]), when: None }],
        embedded: &[],
    },
    brings: &[],
};

/// Connections.
pub static CONNECTION: NodeTable = NodeTable {
    label: "WorkOSConnection",
    extra_labels: &[],
    columns: &[
        Column::text("name", "The connection's name."),
        Column::text("connection_type", "The kind of provider, such as `OktaSAML`."),
        Column::text("state", "`active`, `inactive`, `draft`, `validating`, `requires_type` or `deleting`."),
        Column::text("status", "`linked` or `unlinked` (deprecated)."),
        Column::text("organization_id", "The organization it belongs to."),
        Column::list("domains", "The domain names it serves.").from(Source::Each(&["domains"], "domain")),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &[],
    doc: "A connection through which an organization's people sign in.",
};

static BELONGS_TO: EdgeTable = EdgeTable {
    kind: "BELONGS_TO",
    from: &CONNECTION,
    to: &ORGANIZATION,
    columns: &[],
    doc: "The connection is this organization's.",
};
