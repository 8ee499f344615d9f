use super::directories::{DIRECTORIES, DIRECTORY};
use super::organizations::ORGANIZATION;
use super::{EdgeRule, ID, Paging, Parent, ParentColumn, Record, Request, Resource};
use crate::table::{Column, EdgeTable, NodeTable, Source, Table};

/// `GET /directory_groups?directory=`
pub static DIRECTORY_GROUPS: Resource = Resource {
    name: "directory_groups",
    doc: "Each directory's groups.",
    request: Request {
        path: "/directory_groups",
        query: &[],
        parent_query: &[("directory", "directory_id")],
        paging: Paging::Cursor,
    },
    parent: Some(Parent {
        resource: &DIRECTORIES,
        keys: &[("directory_id", "id")],
        column: Some(ParentColumn { key: "directory_id", column: "directory_id", only_if: None }),
        unless: None,
    }),
    object: "directory_group",
    record: Record {
        table: Some(Table::Node(&DIRECTORY_GROUP)),
        edges: &[
            EdgeRule { table: &HAS, source: Source::Path(&["directory_id"]), target: ID, when: None },
            EdgeRule { table: &BELONGS_TO, source: ID, target: Source::Path(&["organization_id"]), when: None },
        ],
        embedded: &[],
    },
    brings: &[],
};

/// Directory groups.
pub static DIRECTORY_GROUP: NodeTable = NodeTable {
    label: "WorkOSDirectoryGroup",
    extra_labels: &[],
    columns: &[
        Column::text("idp_id", "The id at the identity provider."),
        Column::text("name", "The group's name."),
        Column::text("directory_id", "The directory it is in."),
        Column::text("organization_id", "The organization it belongs to."),
        Column::json("raw_attributes", "What the provider sent; empty since 2026-04-15."),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &[],
    doc: "A group in a directory.",
};

static HAS: EdgeTable = EdgeTable {
    kind: "HAS",
    from: &DIRECTORY,
    to: &DIRECTORY_GROUP,
    columns: &[],
    doc: "The directory holds this group.",
};

static BELONGS_TO: EdgeTable = EdgeTable {
    kind: "BELONGS_TO",
    from: &DIRECTORY_GROUP,
    to: &ORGANIZATION,
    columns: &[],
    doc: "The group is this organization's.",
};
