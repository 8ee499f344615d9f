use super::organizations::ORGANIZATION;
use super::{EdgeRule, ID, Paging, Record, Request, Resource};
use crate::table::{Column, EdgeTable, NodeTable, Source, Table};

/// `GET /directories`
pub static DIRECTORIES: Resource = Resource {
    name: "directories",
    doc: "The directories that identity providers sync.",
    request: Request { path: "/directories", query: &[], parent_query: &[], paging: Paging::Cursor },
    parent: None,
    object: "directory",
    record: Record {
        table: Some(Table::Node(&DIRECTORY)),
        edges: &[EdgeRule { table: &BELONGS_TO, source: ID, target: Source::Path(&["organization_id"]), when: None }],
        embedded: &[],
    },
    brings: &[],
};

/// Directories.
pub static DIRECTORY: NodeTable = NodeTable {
    label: "WorkOSDirectory",
    extra_labels: &[],
    columns: &[
        Column::text("name", "The directory's name."),
        Column::text("domain", "The domain it was set up for."),
        Column::text("state", "`linked`, `unlinked`, `validating`, `invalid_credentials` or `deleting`."),
        Column::text("type", "The kind of provider, such as `okta scim v2.0`."),
        Column::text("organization_id", "The organization it belongs to."),
        Column::text("external_key", "The key that tells the directory apart at its provider."),
        Column::json("metadata", "Counts of users and groups, as the API gives them."),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &[],
    doc: "A directory of users and groups that an organization's identity provider keeps in sync.",
};

static BELONGS_TO: EdgeTable = EdgeTable {
    kind: "BELONGS_TO",
    from: &DIRECTORY,
    to: &ORGANIZATION,
    columns: &[],
    doc: "The directory is this organization's.",
};
